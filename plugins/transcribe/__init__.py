"""Transcribers: from audio, or a transcript beside it, to sentences and words with their times."""
