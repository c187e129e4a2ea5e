"""Pages, JSON API, health and metrics over HTTP."""
