"""Encoders of audio, trained without labels."""
