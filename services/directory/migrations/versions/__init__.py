"""The lineage of the service `directory`."""
