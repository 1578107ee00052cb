"""Recall: find the memories that answer a question. No I/O: the plans of `afterturn.client` run its SQL."""
