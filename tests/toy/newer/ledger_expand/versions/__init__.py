"""The ledger's migrations before the old is let go."""
