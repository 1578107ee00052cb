"""The engine: when things happen. What happens is in `tasks`, and how in `afterturn`."""
