"""Embedders, which turn texts into vectors, and the embedding spaces of the database."""
