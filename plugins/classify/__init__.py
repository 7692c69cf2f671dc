"""Classifiers: from the features of a segment to a probability for each label."""
