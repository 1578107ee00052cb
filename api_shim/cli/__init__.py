"""The command line `afterturn`, one module per command."""
