"""The client. Each call is a plan without I/O (`plans`); a driver executes the effects that the plan requests.

`MemoryClient` (memory_client.py) is written by hand and `AsyncMemoryClient` is generated from it. Users import both
from `afterturn`.
"""
