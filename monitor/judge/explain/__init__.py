"""Explanations: a verdict with every fact it rests on."""
