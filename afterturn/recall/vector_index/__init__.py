"""The index of a large memory: it finds the documents that may answer a question, so that recall need not read all."""
