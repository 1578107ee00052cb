"""Context: what is remembered of a user, as messages for a prompt, within a token budget. Pure functions and SQL."""
