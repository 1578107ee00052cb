"""The command `afterturn`: one file for each of its commands."""
