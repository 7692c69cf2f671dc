"""One stream, stage by stage, from audio to states."""
