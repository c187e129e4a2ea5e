"""Makes looks: sends one request for each, and turns its answer into a sighting."""
