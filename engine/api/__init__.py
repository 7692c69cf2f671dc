"""The Python interface for notebooks, scikit-learn pipelines and programs that push audio."""
