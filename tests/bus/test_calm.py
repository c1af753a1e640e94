"""The brake on the client's log lines."""

import logging

from shared.messaging.calm import PERIOD_SECONDS, Brake, calm_aiokafka


def line(text: str, *args: object) -> logging.LogRecord:
    """Return a record of one line."""
    return logging.LogRecord("aiokafka", logging.ERROR, "", 0, text, args, None)


def test_a_flood_is_cut_and_counted() -> None:
    """Five lines of a kind pass, the rest wait, and the next period tells how many there were."""
    now = [0.0]
    brake = Brake(lambda: now[0])
    passed = [brake.filter(line("cannot connect to %s", n)) for n in range(1000)]
    assert passed.count(True) == 5
    assert brake.filter(line("something else"))
    now[0] += PERIOD_SECONDS
    later = line("cannot connect to %s", "node")
    assert brake.filter(later)
    assert later.getMessage() == "cannot connect to node (and 995 more like it)"


def test_every_logger_of_the_client_has_the_brake() -> None:
    """The brake sits on the loggers themselves, since a parent's filter sees no child's line."""
    calm_aiokafka()
    for name in ("aiokafka", "aiokafka.producer.sender"):
        assert any(isinstance(one, Brake) for one in logging.getLogger(name).filters)
