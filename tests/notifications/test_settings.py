"""What can be set about mail, and what is refused without repeating a password."""

import pytest
from pydantic import ValidationError

from services.notifications.settings import Settings


def settings(**values: object) -> Settings:
    """Return settings of an installation at andan.example."""
    return Settings.model_validate({"source": "https://andan.example:8443/x", **values})


def test_the_sender_is_of_the_installation() -> None:
    """Without a word about it, letters come from no-reply at the installation's host."""
    assert settings().sender == "no-reply@andan.example"
    assert settings(mail_from="hus@example.org").sender == "hus@example.org"
    assert settings(SMTP_URL="smtps://u:p@mx.example:465").smtp_url is not None


@pytest.mark.parametrize(
    "values",
    [
        {"SMTP_URL": "http://user:secret@mx.example"},
        {"SMTP_URL": "smtp://"},
        {"mail_from": "Huset <hus@example.org>"},
        {"mail_from": "a@example.org, b@example.org"},
        {"smtp_timeout_seconds": 0},
    ],
)
def test_what_is_no_address_is_refused(values: dict[str, object]) -> None:
    """The error names the setting, and holds no password."""
    with pytest.raises(ValidationError) as refused:
        settings(**values)
    assert "secret" not in str(refused.value)
