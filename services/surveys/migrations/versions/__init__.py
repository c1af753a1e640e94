"""The lineage of the service `surveys`."""
