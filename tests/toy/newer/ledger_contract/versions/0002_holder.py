"""What the version before the contraction did."""

from importlib import import_module

revision = "0002"
down_revision = "0001"
upgrade = import_module("tests.toy.newer.ledger_expand.versions.0002_holder").upgrade
