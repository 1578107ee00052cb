"""Threads: the dated development of each matter that returns, derived from facts. Records, rows and statements."""
