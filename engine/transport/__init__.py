"""How calls reach plugins: in this process, or over ZeroMQ."""
