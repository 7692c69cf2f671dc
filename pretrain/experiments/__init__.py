"""The experiments behind the pages of docs/."""
