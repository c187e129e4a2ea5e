"""The record: the store, its one writer, and the evidence."""
