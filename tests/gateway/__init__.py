"""The gateway: the one public address."""
