"""The batch row, its leases and its transitions: what work there is, and who does it."""
