"""What every message is: a frozen model that knows its topic, type, key and subject."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

PREFIX = "se.andan."

MESSAGES: "dict[str, type[Message]]" = {}
"""Every message by its type; filled as the modules of `shared.contracts` are imported."""


class UnknownMessage(LookupError):
    """No message of this type is part of the contracts."""


class Part(BaseModel):
    """A value inside a message; readers pass over fields they do not know."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        allow_inf_nan=False,
    )

    def encode(self) -> bytes:
        """Return it as JSON, UTF-8."""
        return self.__pydantic_serializer__.to_json(self)


class Message(Part):
    """A fact that a service publishes.

    A subclass that names its `type` is registered; one that does not is a shared set of fields.
    `keyed_by` and `about` name the fields that become the key and the subject.
    """

    topic: ClassVar[str]
    type: ClassVar[str]
    keyed_by: ClassVar[str]
    about: ClassVar[str]
    unlinkable: ClassVar[bool] = False
    """True where id, cause and trace would tell who: a random id, and neither of the others."""
    tombstone: ClassVar[bool] = False
    """True where it says only that its key is gone: no body, on a compacted topic."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Register the class under its type."""
        if "type" not in cls.__dict__:
            return
        known = MESSAGES.get(cls.type)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise TypeError(f"{cls.type} is the type of {known.__name__} already.")
        MESSAGES[cls.type] = cls

    def key(self) -> str:
        """Return the key: messages of one key stay in order."""
        return str(getattr(self, self.keyed_by))

    def subject(self) -> str:
        """Return the id of what this fact is about."""
        return str(getattr(self, self.about))

    def body(self) -> bytes | None:
        """Return what goes to the bus: its JSON, or none where it is a tombstone."""
        return None if self.tombstone else self.encode()

    @classmethod
    def dataschema(cls) -> str:
        """Return the relative URI of the body's JSON Schema."""
        return f"/schemas/{cls.type}.json"


def decode(type_: str, body: bytes | None, key: bytes | None = None) -> Message:
    """Return the message of `type_` that `body` holds; a tombstone's one field is its key.

    Raises `UnknownMessage`, or pydantic's `ValidationError` where the body is not one.
    """
    kind = message_class(type_)
    if kind.tombstone and body is None:
        return kind.model_validate({kind.keyed_by: (key or b"").decode()})
    return kind.model_validate_json(body or b"")


def message_class(type_: str) -> "type[Message]":
    """Return the class of the message `type_`; raises `UnknownMessage`."""
    try:
        return MESSAGES[type_]
    except KeyError:
        raise UnknownMessage(f"No message is of the type {type_[:255]}.") from None
