"""Channels: each carries messages to people or machines in one way."""
