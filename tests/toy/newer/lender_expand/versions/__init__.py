"""The lender's migrations before the old is let go."""
