"""What the version before began with."""

from importlib import import_module

revision = "0001"
down_revision = None
upgrade = import_module("tests.toy.ledger.versions.0001_initial").upgrade
