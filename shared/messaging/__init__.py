"""The bus: brokers, the embedded log, outbox relay, inbox; the only importer of aiokafka."""
