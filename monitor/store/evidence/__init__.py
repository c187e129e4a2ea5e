"""Evidence: the bytes behind each change of state, chained by their hashes."""
