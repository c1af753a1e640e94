"""Letters: what is written to whom, once, and how it goes."""
