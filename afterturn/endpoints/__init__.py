"""Model endpoints over HTTP: calls, failures, and the circuit breaker that all workers share."""
