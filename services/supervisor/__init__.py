"""The supervisor: starts, watches and stops the distributed house on one machine."""

from services.supervisor.house import Distributed, distributed, planned, running
from services.supervisor.plan import process_names
from services.supervisor.process import Process
from services.supervisor.watch import signals, until_stopped

__all__ = [
    "Distributed",
    "Process",
    "distributed",
    "planned",
    "process_names",
    "running",
    "signals",
    "until_stopped",
]
