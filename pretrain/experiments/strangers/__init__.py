"""How good pipelines are on corpora that they were not trained on, side by side."""
