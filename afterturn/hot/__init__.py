"""The hot store: Redis holds what is pending and what is recent."""
