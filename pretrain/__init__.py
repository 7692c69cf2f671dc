"""Training, evaluation and reports: what trains here is what runs in the engine."""
