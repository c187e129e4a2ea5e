"""Plans: which addresses are looked at, when, and how often a host may be asked."""
