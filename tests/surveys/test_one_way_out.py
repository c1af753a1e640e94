"""The release gate is the one way out: nothing else looks into the box or at a tally."""

import ast
from collections.abc import Iterable, Iterator

import pytest

from services.surveys.models import Survey
from services.surveys.queries import ResultView, SurveyView
from services.surveys.rules.release import Release
from shared.contracts.surveys import ResultReleased
from tests.architecture.sources import Source, dotted, product
from tests.surveys.scene import Scene

MAY_LOOK = {
    "services/surveys/box.py",
    "services/surveys/handlers/answers.py",  # counts
    "services/surveys/handlers/closing.py",  # hands it to the gate
}
MAY_NAME = MAY_LOOK | {
    "services/surveys/models.py",
    "services/surveys/handlers/openings.py",  # places the empty box
    "services/surveys/handlers/quotes.py",  # locks its row
}
GATE = "services/surveys/handlers/closing.py"


def looks(files: Iterable[Source]) -> Iterator[str]:
    """Yield where a tally is opened or its table named by others than those who may.

    One more reader of the counts (an export, a chart, a log line) and the gate is decoration.
    """
    for source in files:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute | ast.Name):
                name = node.attr if isinstance(node, ast.Attribute) else node.id
            elif isinstance(node, ast.Constant):
                name = ""
            else:
                continue
            if (name == "open_tally" and source.path not in MAY_LOOK) or (
                name == "Tally" and source.path not in MAY_NAME
            ):
                yield source.at(node)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words = set(node.value.lower().split())
                if words >= {"select", "from", "tally"}:
                    yield source.at(node)


def past_the_gate(source: Source) -> Iterator[str]:
    """Yield where the close opens a tally for anything but `release(…)`."""
    handed = {
        id(argument)
        for call in source.calls()
        if dotted(call.func) == "release"
        for argument in call.args
    }
    for call in source.calls():
        if dotted(call.func).endswith("open_tally") and id(call) not in handed:
            yield source.at(call)


def in_product() -> list[Source]:
    """Return all files that run, without the migrations: they make the table."""
    return [source for source in product() if "/migrations/" not in source.path]


def test_nobody_else_looks() -> None:
    """A tally is opened to count and to close, and the close hands it to the gate alone."""
    assert list(looks(in_product())) == []
    [gate] = [source for source in in_product() if source.path == GATE]
    assert list(past_the_gate(gate)) == []
    assert "open_tally" in gate.text


@pytest.mark.parametrize(
    "text",
    [
        "boxes.open_tally(tally.box, tally.sealed)",
        "from services.surveys.models import Tally\nselect(Tally)",
        "text('SELECT sealed FROM tally')",
    ],
)
def test_a_planted_look_is_found(text: str) -> None:
    """A query or an export of its own is reported, and so is a close that keeps the counts."""
    assert list(looks([Source("services/surveys/queries.py", text)]))
    kept = Source(GATE, "counts = boxes.open_tally(a, b)\nreleased = release(counts)")
    assert list(past_the_gate(kept))


def test_what_is_shown_has_no_number_of_its_own() -> None:
    """Every number is the gate's, but how many came and the ETag's; a survey shows none."""
    told = set(Release.__dataclass_fields__) | {"attended", "year", "revision"}
    numbers = {
        name for name, kind in ResultView.__annotations__.items() if kind not in (str, "str")
    }
    assert numbers <= told
    assert set(ResultReleased.model_fields) - {"survey_id", "event_id"} <= told
    assert not {"answered", "answers", "attended"} & set(SurveyView.__annotations__)


@pytest.mark.anyio
async def test_only_what_was_released_is_kept(sqlite_here: Scene) -> None:
    """After the close the store holds the release, and no histogram in any form."""
    here = sqlite_here
    survey_id = await here.answered([5, 5, 5, 4, 1, 5])
    await here.close(survey_id)
    async with here.it.service.store.read() as reader:
        survey = await reader.get_one(Survey, survey_id)
    assert survey.result == {
        "rule": "band",
        "answered": None,
        "mean": None,
        "at_least": "4.0",
        "at_most": "5.0",
        "bars": [],
    }
