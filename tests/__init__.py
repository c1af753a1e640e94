"""The tests: a mirror of the house, and journeys through it."""
