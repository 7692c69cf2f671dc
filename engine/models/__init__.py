"""Trained models: cards, weights and training statistics."""
