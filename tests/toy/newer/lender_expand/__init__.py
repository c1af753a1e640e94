"""The lender's lineage before the old is let go."""
