"""Where the two buses honestly differ: data, so that tests and documents say the same."""

from typing import NamedTuple


class Difference(NamedTuple):
    """One behaviour as each bus shows it."""

    behaviour: str
    kafka: str
    embedded: str


DIFFERENCES = (
    Difference(
        "two members of one group on a topic",
        "share its partitions",
        "the second is refused at start (GroupTaken)",
    ),
    Difference(
        "max_workers above one",
        "one consumer per worker, order of keys held",
        "refused at start (SetupError)",
    ),
    Difference(
        "partitions of a topic",
        "as declared; another number on the server is refused (TopicDiffers)",
        "one, whatever is declared",
    ),
    Difference(
        "a declaration by which records would be lost",
        "refused (TopicDiffers) until somebody accepts the loss",
        "done at start: the release says how long things are kept",
    ),
    Difference(
        "order",
        "per key",
        "over a whole topic; nobody may rely on more than the order per key",
    ),
    Difference(
        "publishing to an undeclared topic",
        "UnknownTopicOrPartitionError after the request time-out",
        "the same error at once",
    ),
    Difference(
        "a record larger than 1 MiB",
        "MessageSizeTooLargeError, by the size with its frame",
        "the same error, by the size of key and value",
    ),
    Difference(
        "retention",
        "whole segments, in Kafka's own time (minutes)",
        "record by record, when the log is cleaned (every ten minutes)",
    ),
    Difference(
        "compaction",
        "in Kafka's own time, and only after a later write to the partition",
        "when the log is cleaned; the last record of a topic always stays",
    ),
    Difference(
        "a record without a key on a compacted topic",
        "refused by the server (an unknown error, for aiokafka has no name for it)",
        "refused (KeyRequired)",
    ),
    Difference(
        "an appended batch that fails",
        "what came before the failure may be stored",
        "all of it or none of it is stored",
    ),
    Difference(
        "acknowledged means",
        "held by all replicas in sync, not synced to disk",
        "synced to disk (WAL, synchronous=FULL)",
    ),
    Difference(
        "a topic declared after a pattern subscriber started",
        "is found within five minutes",
        "is not found until the next start",
    ),
    Difference(
        "processes on one bus",
        "any number",
        "one; a second is refused (LogInUse)",
    ),
)
