"""Live streams, hosted side by side."""
