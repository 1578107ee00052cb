"""Adapters: the memory inside the frameworks with which agents are built. Importing one imports no other."""
