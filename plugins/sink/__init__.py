"""Sinks: from states and predictions to the console, files and subscribers."""
