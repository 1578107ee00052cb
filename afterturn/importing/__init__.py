"""Import of old conversations: parse their turns from a file, write them, and cut them into batches at low priority."""
