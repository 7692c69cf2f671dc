"""The second paper's experiments: its four networks and a linear machine, trained and tested by the fold.

Joint Representation Learning for Robust Feature Extraction in Speech Emotion Recognition (Luo et al. 2018).
"""
