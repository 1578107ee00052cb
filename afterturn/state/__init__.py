"""Agent state: versioned JSON documents of a user, session, agent or task."""
