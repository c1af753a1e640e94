"""The published language: envelope, words, topics, messages, and that contracts only grow."""
