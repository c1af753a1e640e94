"""Use cases of booking, by what they are about."""
