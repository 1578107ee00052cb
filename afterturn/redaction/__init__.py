"""Find and redact secrets in texts: passwords, keys, PINs, one-time codes, card and account numbers."""
