"""The words of a letter: its subject, text and HTML, from the templates of its language."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.notifications.letter import Letter
from shared import dates

TEMPLATES = Path(__file__).parents[1] / "templates"


@dataclass(frozen=True)
class Worded:
    """A letter in words."""

    subject: str
    text: str
    html: str


class Wording:
    """Words letters; a letter's template stands once per language, in a shell of each kind."""

    def __init__(self) -> None:
        loader = FileSystemLoader(TEMPLATES)
        self._text = Environment(
            loader=loader,
            autoescape=False,  # noqa: S701 -- plain text has nothing to escape
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._html = Environment(
            loader=loader,
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._text.globals["shell"] = "shell.txt"
        self._html.globals["shell"] = "shell.html"

    def word(self, letter: Letter, farewell: str | None = None) -> Worded:
        """Return the letter in the words of its language; `farewell` ends such letters."""
        name = f"{letter.language}/{letter.template}.txt"
        values = {**_values(letter), "farewell": farewell}
        plain = self._text.get_template(name)
        subject = "".join(plain.blocks["subject"](plain.new_context(values)))
        html = self._html.get_template(name).render(values)
        return Worded(subject, plain.render(values).strip() + "\n", html)


def _values(letter: Letter) -> dict[str, Any]:
    language = letter.language
    values: dict[str, Any] = {**dict(letter), "facts": _facts(letter)}
    for name in ("confirm_by", "answer_by"):
        at = values[name]
        if at is not None and letter.time_zone is not None:
            values[name] = dates.moment(at, letter.time_zone, language)
    values["links"] = [
        {
            "title": each.title,
            "when": dates.span(each.starts_at, each.ends_at, each.time_zone, language),
            "url": each.url,
        }
        for each in letter.links
    ]
    return values


def _facts(letter: Letter) -> list[tuple[str, str]]:
    """Return what the recipient wants to find at a glance, by the name of its label."""
    facts: list[tuple[str, str]] = []
    if letter.starts_at and letter.ends_at and letter.time_zone:
        when = dates.span(letter.starts_at, letter.ends_at, letter.time_zone, letter.language)
        if letter.online:
            zone = dates.zone_name(letter.starts_at, letter.time_zone, letter.language)
            when = f"{when} ({zone})"
        facts.append(("when", when))
    if before := _before(letter):
        facts.append(("before", before))
    if letter.place:
        facts.append(("where", letter.place))
    if letter.online_url:
        facts.append(("online", letter.online_url))
    if letter.purpose:
        facts.append(("purpose", letter.purpose))
    if letter.people > 1:
        facts.append(("people", str(letter.people)))
    return facts


def _before(letter: Letter) -> str | None:
    """Return when and where it was to be before, as far as that is other than now."""
    said = []
    before = (letter.previous_starts_at, letter.previous_ends_at)
    begin, end = before
    if begin and end and letter.time_zone and before != (letter.starts_at, letter.ends_at):
        said.append(dates.span(begin, end, letter.time_zone, letter.language))
    if letter.previous_place:
        said.append(letter.previous_place)
    return "; ".join(said) or None
