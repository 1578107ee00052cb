"""Large memories: an index of which documents may answer a question, so that not all of them are read."""
