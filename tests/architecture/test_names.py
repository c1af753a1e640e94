"""Names tell what is inside, files stay small, and every folder of Python is a package."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import pytest

from tests.architecture.sources import ROOT, Source, own_files, sources

EMPTY_WORDS = re.compile(r"^_?(utils?|helpers?|common|base|managers?|misc|core)$")
EMPTY_CLASSES = re.compile(r".(Service|Manager|Helpers?|Utils?|Impl)$")
LINES = 400
LONGER: dict[str, str] = {}
"""Files that may be longer, each with its reason."""


def empty_names(paths: Iterable[str]) -> Iterator[str]:
    """A drawer called `utils` never says no.

    A ticketing system's grew to 45 unrelated functions, and its orders to one file of 143,000
    characters; both began with good nouns.
    """
    for path in paths:
        if any(EMPTY_WORDS.match(PurePosixPath(part).stem) for part in PurePosixPath(path).parts):
            yield path


def empty_classes(source: Source) -> Iterator[str]:
    """An `OrderService` is a drawer too: one reached 4,216 lines before anybody looked."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and EMPTY_CLASSES.search(node.name):
            yield f"{source.at(node)}: {node.name}"


def too_long(source: Source) -> Iterator[str]:
    """Every file above a thousand lines is somebody's regret: it is split long before."""
    lines = source.text.count("\n")
    if lines > LINES and source.path not in LONGER:
        yield f"{source.path}: {lines} lines"


def without_init(paths: Iterable[str]) -> Iterator[str]:
    """import-linter and mypy do not see a folder without `__init__.py`: its rules hold nothing.

    Every check stays green over a forbidden import that lives there.
    """
    files = set(paths)
    folders = {str(PurePosixPath(path).parent) for path in files if path.endswith(".py")}
    for folder in sorted(folders):
        ours = folder.partition("/")[0] in {"services", "shared", "tests"}
        if ours and f"{folder}/__init__.py" not in files:
            yield folder


def test_names_say_what_is_inside() -> None:
    """No file, folder or class has a name that fits everything."""
    assert list(empty_names(own_files())) == []
    assert [found for source in sources() for found in empty_classes(source)] == []


def test_files_stay_small() -> None:
    """No Python file is longer than 400 lines without a reason."""
    assert [found for source in sources() for found in too_long(source)] == []
    assert [path for path in LONGER if not (ROOT / path).is_file()] == []


def test_every_folder_is_a_package() -> None:
    """No folder of Python is invisible to the linters."""
    assert list(without_init(own_files())) == []


@pytest.mark.parametrize("path", ["services/booking/utils.py", "shared/core/x.py", "a/base.html"])
def test_a_planted_name_is_found(path: str) -> None:
    """A drawer is reported wherever it stands."""
    assert list(empty_names([path, "shared/store/work.py", "services/events/rules.py"])) == [path]


def test_a_planted_class_file_and_folder_are_found() -> None:
    """A drawer class, an endless file and a folder without `__init__.py` are reported."""
    planted = Source("shared/x.py", "class BookingService: ...\nclass Service: ...\n")
    assert list(empty_classes(planted)) == ["shared/x.py:1: BookingService"]
    assert list(too_long(Source("shared/x.py", "\n" * 401))) == ["shared/x.py: 401 lines"]
    assert list(without_init(["shared/__init__.py", "shared/x/y.py"])) == ["shared/x"]
