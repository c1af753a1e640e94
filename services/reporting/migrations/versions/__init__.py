"""The lineage of the tables of reporting."""
