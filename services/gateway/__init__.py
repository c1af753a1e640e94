"""The gateway: the one public address. It says who is calling, how much is let in, and where to.

Owns:      API keys, sessions, and the feed; no domain table.
Publishes: nothing.
Hears:     every message that may leave the house, for the feed.
"""
