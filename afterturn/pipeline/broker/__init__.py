"""Celery's broker: the connections to it, and the handling of its refusals and failures."""
