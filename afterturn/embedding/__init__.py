"""Texts to vectors: the embedders, and the embedding spaces that the database knows."""
