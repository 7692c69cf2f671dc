"""Extractors: from a segment of audio, or a sentence, to a vector of features."""
