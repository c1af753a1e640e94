"""The distributed house under faults: real Kafka and PostgreSQL, each service its own process."""
