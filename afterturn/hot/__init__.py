"""The hot store: pending and recent turns in Redis."""
