"""The HTTP API: the same calls as the clients, for agents that are not written in Python."""

from afterturn import extras

extras.require("http", "the HTTP API")
