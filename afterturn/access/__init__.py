"""Who may call: keys, tokens, rate limits, and the log of what administrators did."""
