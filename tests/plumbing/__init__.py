"""The plumbing under both databases: units of work, outbox, relay, inbox, waiting, due."""
