"""The HTTP API: the same calls as the clients, for agents that are not written in Python."""
