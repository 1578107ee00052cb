"""The LLM: calls with structured output, their costs, and the budget of a user."""
