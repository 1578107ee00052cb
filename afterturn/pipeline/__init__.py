"""The work after a turn: the stages, the hints between them, and what they run on."""
