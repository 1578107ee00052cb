"""Agents over HTTP: one call answers a message with memory, through the configured LLM.

Its calls are those of Agno's AgentOS: `routes` has them below `/v1`, `agent_os` where programs for AgentOS send them.
"""
