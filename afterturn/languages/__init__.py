"""The languages of texts: which one a text is in, its words where no spaces separate them, and data by language."""
