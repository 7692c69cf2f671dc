"""Pipelines and training recipes, every line with its unit."""
