"""The use cases of surveys."""
