"""Context: a user's memory and recent turns as messages for a prompt, within a token budget. Pure functions and SQL."""
