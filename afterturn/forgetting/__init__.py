"""Remove turns, export and erase users, and scrub deleted data from disk."""
