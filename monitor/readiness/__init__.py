"""Assesses whether everything is ready for the next slots, from the store and the configuration."""
