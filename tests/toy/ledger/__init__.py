"""The toy service `ledger`: its migrations."""
