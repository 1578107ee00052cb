"""Labelled conversations, read from files that are not part of this project."""
