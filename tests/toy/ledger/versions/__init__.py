"""The lineage of the toy service `ledger`."""
