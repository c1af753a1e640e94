"""The ledger's lineage up to where the old is let go."""
