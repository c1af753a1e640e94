"""The published language: the envelope, the one list of topics, and a module per publisher."""
