"""The tests. Like our own processes, theirs use one thread for matrix products: several would wait in loops."""

from afterturn import numeric_threads

# Before numpy is imported; children inherit it.
numeric_threads.limit()
