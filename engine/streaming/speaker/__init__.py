"""What a stream tells of whoever speaks, and what a classifier is to make of it."""
