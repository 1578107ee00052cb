"""The cold archive: the texts of old turns, in an object store (docs/explanation/decisions/047)."""
