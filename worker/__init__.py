"""The engine: Celery workers and beat decide when tasks run. The tasks are in `tasks`, their code in `afterturn`."""
