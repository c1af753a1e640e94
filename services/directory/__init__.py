"""Owns the organisations of the house and their residency; publishes them; hears nobody."""
