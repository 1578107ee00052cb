"""afterturn: long-term memory for LLM agents, formed in the background after each turn."""

__version__ = "0.1.0"
