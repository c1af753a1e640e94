"""What tests and `make up` need: a real Kafka, and suites that run over every implementation."""
