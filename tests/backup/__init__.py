"""Backup and restore, under traffic, with and without what was said since."""
