"""`afterturn demo`: everything once, from the first turn to the recalled fact, before one's eyes."""
