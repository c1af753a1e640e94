"""What the gateway's own addresses take and give."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.http.body import Body, Id, Instant, Name
from shared.http.paging import Page
from shared.security.principal import SCOPES


def _known_scope(scope: str) -> str:
    if scope not in SCOPES:
        raise ValueError("this is not a scope")
    return scope


Scope = Annotated[
    str,
    Field(max_length=64, json_schema_extra={"enum": sorted(SCOPES)}),
    AfterValidator(_known_scope),
]


class NewApiKey(Body):
    """A key to be made: what it is for, what it may do, for whom, until when."""

    name: Name
    scopes: Annotated[
        list[Scope],
        Field(min_length=1, max_length=len(SCOPES), description="what its holder may do"),
    ]
    organisation_id: Id | None = None
    expires_at: Instant | None = None


class ApiKey(BaseModel):
    """A key, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    scopes: list[str]
    organisation_id: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked: bool


class ApiKeyWithSecret(ApiKey):
    """A key that was just made; `key` is what its holder sends, and is never shown again."""

    key: str


class ApiKeyPage(Page[ApiKey]):
    """A page of keys."""


class ApiInfo(BaseModel):
    """What this interface is (Sweden's REST API-profil, /api-info)."""

    model_config = ConfigDict(populate_by_name=True)

    name: str
    version: str
    state: Literal["active"]
    mail: Literal["smtp", "rehearsal"]
    """Whether letters go out; a rehearsal shows them in its inbox instead."""
    links: dict[str, str]


class ClockState(BaseModel):
    """Where the replay clock stands, and whether nothing is left to do there."""

    now: datetime
    quiet: bool


class ClockMove(Body):
    """Either the instant to move to, or that the clock shall run on."""

    now: Instant | None = None
    running: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "ClockMove":
        if (self.now is None) == (self.running is None):
            raise ValueError("give either `now` or `running: true`")
        return self


class DeadLetter(BaseModel):
    """A message that was put aside."""

    model_config = ConfigDict(extra="allow")

    id: str
    service: str
    consumer: str
    message_id: str
    topic: str
    reason: str
    attempts: int
    parked_at: datetime


class DeadLetterWithBody(DeadLetter):
    """A message that was put aside, as it came."""

    key: str | None
    headers: str
    body: str | None


class DeadLetterPage(Page[DeadLetter]):
    """A page of dead letters."""


class ProblemKind(BaseModel):
    """A kind of problem: `type` is what a problem document names."""

    type: str
    title: str
    explanation: str


class ProblemKinds(BaseModel):
    """Every kind of problem that is known here."""

    items: list[ProblemKind]
    next: str | None = None


Document = dict[str, Any]
