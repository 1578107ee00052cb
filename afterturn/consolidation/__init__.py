"""What a batch's candidates do to the user's current facts: pure decisions, and their application."""
