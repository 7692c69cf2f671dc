"""From chunks of any kind to frames on one clock, buffered and cut into segments."""
