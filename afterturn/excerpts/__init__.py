"""Pieces of texts: sentences, blocks that are no prose, the words that two texts share, marks for what is left out.

Extraction shows excerpts of long turns, and contexts show excerpts of long memories.
"""
