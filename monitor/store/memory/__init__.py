"""The fake store, in memory."""
