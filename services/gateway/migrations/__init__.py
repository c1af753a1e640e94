"""The lineage of the gateway's tables."""
