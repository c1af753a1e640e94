"""The lineage of the store of notifications."""
