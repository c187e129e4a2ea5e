"""The store on SQLite or PostgreSQL."""
