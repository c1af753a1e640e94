"""A message as it came from a topic, its envelope read once."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.envelope import Envelope, MalformedEnvelope


@dataclass(frozen=True, slots=True)
class Received:
    """A record of a topic; where its headers are no envelope, it is None and `fault` says why.

    `id` is the envelope's, or a name made of the record's place, so that it can be parked once.
    """

    topic: str
    key: bytes | None
    headers: Sequence[tuple[str, bytes]]
    body: bytes | None
    id: str
    envelope: Envelope | None
    fault: str = ""

    @property
    def line(self) -> tuple[str, str]:
        """Its topic and subject: within these, messages that wait keep their order."""
        subject = self.envelope.subject if self.envelope else None
        return self.topic, subject or self.key_text

    @property
    def key_text(self) -> str:
        """The key as text; bytes that are not UTF-8 are shown as such."""
        return (self.key or b"").decode("utf-8", "backslashreplace")


def read(
    topic: str,
    key: bytes | None,
    headers: Sequence[tuple[str, bytes]],
    body: bytes | None,
    place: str,
) -> Received:
    """Return the record with its envelope; `place` names it where it has no id of its own."""
    try:
        envelope = Envelope.from_headers(headers)
    except MalformedEnvelope as error:
        return Received(topic, key, headers, body, place, None, str(error))
    return Received(topic, key, headers, body, envelope.id, envelope)
