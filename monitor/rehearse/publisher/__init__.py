"""The simulated publisher of a rehearsal, over real HTTP on loopback."""
