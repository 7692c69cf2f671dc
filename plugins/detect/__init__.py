"""Detectors of voice activity: from a block of audio to a flag for each of its hops."""
