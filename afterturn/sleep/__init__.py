"""Scheduled consolidation of one user's whole memory: what no single batch could see."""
