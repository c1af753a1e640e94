"""What all services share: the published language, the bus, the store, the doors; no domain."""
