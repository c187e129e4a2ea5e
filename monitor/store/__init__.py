"""The store: rows, their one writer, and the evidence."""
