"""More than one process of a service: shared partitions, one leader, several addresses."""
