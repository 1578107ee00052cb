"""What each adapter adds to a call, beside the stores that its framework brings: `python -m bench.doors [--json]`.

Each part is a module with `LINES`, and with `measure`, which gets the settings of empty servers and the number of
samples, and returns a value for each line.
"""
