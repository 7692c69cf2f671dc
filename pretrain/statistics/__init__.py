"""Metrics, their intervals, and the predictions they are computed from."""
