"""Recall: find the memories that answer a question. This package has no I/O; the clients run its SQL."""
