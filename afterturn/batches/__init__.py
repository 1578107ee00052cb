"""Batches: cutting turns into them, their rows and transitions, and the leases on them."""
