"""Celery's broker: how it is reached, and what happens when it refuses or fails."""
