"""Scheduled consolidation ("sleep"): compare all facts of one user, which no single batch can do."""
