"""Kinds of fields of the bodies that events takes."""

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.contracts.words import LANGUAGE_PATTERN
from shared.http.body import Line

Ref = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,64}$")]
"""The id of something that messages name too."""
Language = Annotated[str, StringConstraints(max_length=35, pattern=LANGUAGE_PATTERN)]
Titles = Annotated[dict[Language, Annotated[str, Line(300)]], Field(min_length=1, max_length=30)]
Languages = Annotated[list[Language], Field(max_length=30)]
Url = Annotated[str, Line(2000), StringConstraints(pattern=r"^https?://[^\s<>\"]+$")]
Slug = Annotated[
    str, StringConstraints(min_length=1, max_length=80, pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$")
]
