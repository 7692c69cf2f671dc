"""The experiment of docs/embedded_emotions.md."""
