"""The demo is an outside program: it knows the house by its address only."""

import ast
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "services" / "demo"
ALLOWED = {"httpx2", "rich", "services.demo"}


def imported(file: Path) -> set[str]:
    """Return every module that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(node.module or "")
    return found


def test_the_demo_imports_nothing_of_the_house() -> None:
    """Neither a service nor anything of `shared` is imported, only an HTTP client and a console."""
    files = sorted(FOLDER.glob("**/*.py"))
    assert len(files) > 10
    for file in files:
        for module in imported(file):
            is_standard = module.partition(".")[0] in sys.stdlib_module_names
            named = module in ALLOWED or module.partition(".")[0] in {"httpx2", "rich"}
            assert is_standard or named or module.startswith("services.demo."), (file, module)
