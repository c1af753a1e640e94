"""Conversations with other services that span several messages."""
