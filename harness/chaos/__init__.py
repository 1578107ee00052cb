"""Scenarios with real worker processes and injected faults."""
