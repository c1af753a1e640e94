"""The store suite: the same behaviours on SQLite and on PostgreSQL."""
