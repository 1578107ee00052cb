"""Embedded servers (a real redis-server and a real PostgreSQL) and the processes of `afterturn up`."""
