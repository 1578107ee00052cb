"""Recall: which memories answer a question. Pure functions and SQL; the plans of `afterturn.client` use them."""
