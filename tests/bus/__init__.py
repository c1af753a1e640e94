"""One suite of behaviours that every bus must show: embedded and Apache Kafka."""
