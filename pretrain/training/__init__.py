"""Classifiers trained on features of a corpus."""
