"""The processing of turns: the stages, the hints between them, and their runtime."""
