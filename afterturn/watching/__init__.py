"""What waits, what is late, and what is broken: the figures behind `afterturn status`."""
