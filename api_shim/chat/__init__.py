"""OpenAI-compatible chat with memory: requests go on to an endpoint with memories added, and its answers come back."""
