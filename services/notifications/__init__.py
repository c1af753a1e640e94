"""Notifications: who is told what, in which language; contacts, letters and their deliveries."""
