"""The ledger's lineage before the old is let go."""
