"""Surveys: what people thought of an event, so that nobody can tell who thought what."""
