"""The linkage game: an adversary with all stored bytes tries to tell who answered what."""
