"""Recall: which memories answer a question. Pure functions and SQL; the clients in `api_shim` run them."""
