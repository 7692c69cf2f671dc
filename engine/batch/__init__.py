"""Files and folders replayed into tables, in one process, in many or on a cluster."""
