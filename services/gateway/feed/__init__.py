"""The feed: every public fact of the house under one cursor, to be pulled or streamed."""
