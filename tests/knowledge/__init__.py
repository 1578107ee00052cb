"""A table of conversations: what is said and what a model answers, and what is known afterwards. Read any theme."""
