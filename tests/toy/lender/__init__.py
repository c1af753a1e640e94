"""The toy service `lender`: its migrations."""
