"""The client: each call is a plan without I/O (`plans`), and a driver carries out what it asks for.

`MemoryClient` (memory_client.py) is written by hand, `AsyncMemoryClient` is generated from it. Users import both from
`afterturn`.
"""
