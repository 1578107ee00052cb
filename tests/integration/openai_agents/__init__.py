"""The adapter for the OpenAI Agents SDK, with the SDK itself."""
