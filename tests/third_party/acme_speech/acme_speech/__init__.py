"""Plugins of an outside package, for the tests."""
