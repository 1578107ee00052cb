"""Model endpoints over HTTP: how they fail, and the breaker that all workers share."""
