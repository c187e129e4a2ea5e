"""The migrations of the schema, one in each file."""
