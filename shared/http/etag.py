"""Entity tags: the revision of a thing, told with it and asked for before it is changed."""

from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Header, Response

from shared.http.problems import PreconditionFailed


def set_etag(response: Response, revision: int) -> None:
    """Tell the thing's revision as a strong ETag."""
    response.headers["ETag"] = f'"{revision}"'


def set_content_etag(response: Response, content: bytes) -> None:
    """Tell a strong ETag of what has no revision: what is made out of others."""
    response.headers["ETag"] = f'"{sha256(content).hexdigest()[:32]}"'


class IfMatch:
    """What the caller believes the thing's revision to be; None where nothing was said."""

    def __init__(self, tags: str | None) -> None:
        self._tags = None if tags is None else {tag.strip() for tag in tags.split(",")}

    @property
    def is_given(self) -> bool:
        """Whether the caller said anything."""
        return self._tags is not None

    def check(self, revision: int) -> None:
        """Raise PreconditionFailed where the thing is at another revision than the caller read."""
        if self._tags is None or "*" in self._tags or f'"{revision}"' in self._tags:
            return
        raise PreconditionFailed(f"It is at revision {revision} by now; read it again.")


async def if_match(
    tags: Annotated[
        str | None,
        Header(alias="If-Match", max_length=1_000, description="act only on this ETag, else 412"),
    ] = None,
) -> IfMatch:
    """Read the request's If-Match."""
    return IfMatch(tags)


IfMatchDep = Annotated[IfMatch, Depends(if_match)]
