"""What letters say of the installation they come from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Installation:
    """Where links lead, and the installation's name in ids."""

    source: str
    host: str

    def link(self, language: str, token: str | None) -> str | None:
        """Return the address behind which a registration is managed."""
        return None if token is None else f"{self.source}/{language}/r/{token}"

    def ballot_link(self, language: str, token: str) -> str:
        """Return the address under which whoever has a ballot says what they thought."""
        return f"{self.source}/{language}/e/{token}"
