"""The gateway: the one public address. It says who is calling, how much is let in, and where to.

Owns:      API keys, and no domain table.
Publishes: nothing.
Hears:     nothing.
"""
