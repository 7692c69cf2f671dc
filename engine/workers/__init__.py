"""The processes and threads that serve plugins."""
