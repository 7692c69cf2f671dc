"""Recordings of live streams, and events as records."""
