"""Facts as people see them: read by entity and time, and edited. What extraction makes of turns is in `extraction`."""
