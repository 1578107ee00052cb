"""`afterturn demo`: replay a short conversation, and show each step from a written turn to a recalled fact."""
