"""The application: every part made and wired in one pass, and its life."""
