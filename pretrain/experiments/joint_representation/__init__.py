"""The experiment of docs/joint_representation.md."""
