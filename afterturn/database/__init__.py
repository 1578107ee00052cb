"""Postgres: pools and roles, named queries, migrations."""
