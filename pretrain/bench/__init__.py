"""Measurements of features and of training against baselines."""
