"""Alembic's script folder, shared by all lineages."""
