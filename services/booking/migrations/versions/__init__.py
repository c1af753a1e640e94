"""The lineage of the service `booking`."""
