"""The tree as the lints see it: the project's own files and their syntax."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_OURS = {
    *(".venv", ".tools", "var", "__pycache__", ".hypothesis"),
    *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache"),
}


@dataclass(frozen=True)
class Source:
    """A Python file by its path from the root, or a text planted in its stead."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax."""
        return ast.parse(self.text)

    @cached_property
    def docstrings(self) -> frozenset[int]:
        """The ids of the constants that are docstrings, attribute docstrings included."""
        return frozenset(
            id(node.value)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        )

    def within(self, *places: str) -> bool:
        """Say whether it is one of these files, or in one of these folders (ending in /)."""
        return any(
            self.path.startswith(place) if place.endswith("/") else self.path == place
            for place in places
        )

    def calls(self) -> Iterator[ast.Call]:
        """Yield every call."""
        yield from (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))

    def at(self, node: ast.expr | ast.stmt) -> str:
        """Return the place of a node as an editor understands it."""
        return f"{self.path}:{node.lineno}"


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for names and attributes; what stands before them otherwise is left out."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


@lru_cache(maxsize=1)
def own_files() -> tuple[str, ...]:
    """Return the paths of all files that are, or would be, in the repository."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout.decode()
        found = [path for path in set(listed.split("\0")) if path]
    else:  # an archive without its history
        found = [
            str(path.relative_to(ROOT))
            for path in ROOT.rglob("*")
            if not NOT_OURS.intersection(path.relative_to(ROOT).parts)
        ]
    return tuple(sorted(path for path in found if (ROOT / path).is_file()))


@lru_cache(maxsize=1)
def sources() -> tuple[Source, ...]:
    """Return every Python file of the project."""
    return tuple(
        Source(path, (ROOT / path).read_text(encoding="utf-8"))
        for path in own_files()
        if path.endswith(".py")
    )


def product() -> Iterator[Source]:
    """Yield the Python files that run outside of tests."""
    yield from (source for source in sources() if source.within("services/", "shared/"))
