"""The toys one version on: a column gets another name, a message another field."""
