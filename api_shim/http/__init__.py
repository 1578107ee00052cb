"""The HTTP API: the calls of the Python clients, for agents in other languages."""

from afterturn import extras

extras.require("http", "the HTTP API")
