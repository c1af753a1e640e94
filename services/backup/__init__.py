"""Backup and restore of the whole house: one archive of one instant, and what follows a restore.

It knows the stores and the bus by their files or servers, and no service but by name; what a
restored service must learn before it starts, that service says itself.
"""
