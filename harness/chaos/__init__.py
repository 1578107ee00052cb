"""Scenarios with real worker processes, and the faults that strike them."""
