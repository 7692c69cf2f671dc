"""Measurements of speed, memory, latency and recovery."""
