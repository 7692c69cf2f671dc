"""The host: streams, segments, votes. It knows no plugin by name."""
