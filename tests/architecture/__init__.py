"""The rules of the house that a machine can check, each proven by a planted violation."""
