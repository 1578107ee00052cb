"""Taking back a turn, erasing a user, and leaving no bytes of either behind."""
