"""Trained models that ship: each folder is one model with its card."""
