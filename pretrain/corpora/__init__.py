"""Labelled recordings and texts, and the layouts they are published in."""
