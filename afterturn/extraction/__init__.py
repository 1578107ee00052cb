"""Extraction: from the turns of a batch to candidate facts and one episode."""
