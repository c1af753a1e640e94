"""Directory: organisations and residencies on both databases."""
