"""Migrations of directory's store."""
