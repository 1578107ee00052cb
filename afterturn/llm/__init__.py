"""The LLM: one question and one answer in a form that was asked for, and what its calls cost."""
