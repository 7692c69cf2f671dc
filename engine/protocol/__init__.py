"""The messages between host and workers, and how they are secured."""
