"""Migrations of booking's store."""
