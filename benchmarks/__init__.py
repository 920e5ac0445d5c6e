"""Benchmarks: turnlog's store beside the stock recorders and raw SQL, on one machine in one run."""
