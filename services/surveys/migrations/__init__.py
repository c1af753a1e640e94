"""Migrations of surveys' store."""
