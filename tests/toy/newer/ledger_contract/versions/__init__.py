"""The ledger's migrations up to where the old is let go."""
