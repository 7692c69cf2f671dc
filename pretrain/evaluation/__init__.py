"""Protocols, cross-validation, selection of options and comparison of systems."""
