"""The import contracts of pyproject.toml bite: each is broken by a planted import."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

COMMAND = "from importlinter.cli import lint_imports_command; lint_imports_command()"
HOUSE = {
    "shared/__init__.py": "",
    "shared/contracts/__init__.py": "",
    "shared/store/__init__.py": "import sqlalchemy\n",
    "shared/http/__init__.py": "import fastapi\n",
    "shared/messaging/__init__.py": "import aiokafka, faststream\n",
    "shared/observability/__init__.py": "import opentelemetry, structlog\n",
    "shared/testing/__init__.py": "",
    "services/__init__.py": "",
    "services/topology.py": "import services.booking.app, services.events.app\n",
    "services/booking/__init__.py": "",
    "services/booking/app.py": "import services.booking.api\n",
    "services/booking/api.py": "import services.booking.handlers, services.booking.schemas\n",
    "services/booking/schemas.py": "",
    "services/booking/handlers.py": "import services.booking.models, services.booking.rules\n",
    "services/booking/models.py": "import shared.store\n",
    "services/booking/rules.py": "import shared.contracts\n",
    "services/events/__init__.py": "",
    "services/events/app.py": "import shared.http\n",
    "services/web/__init__.py": "",
    "services/web/app.py": "import services.web.pages\n",
    "services/web/pages/__init__.py": "import services.web.page\n",
    "services/web/page.py": "",
}


def lint(folder: Path, planted: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the project's contracts over a small house with the planted files in it."""
    for path, text in (HOUSE | planted).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    return subprocess.run(
        [sys.executable, "-c", COMMAND, "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_good_house_passes(tmp_path: Path) -> None:
    """A house with few rooms, wired as it should be, breaks no contract."""
    done = lint(tmp_path, {})
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("contract", "path", "text"),
    [
        ("Services know nothing", "services/booking/handlers.py", "import services.events.app"),
        ("Services know nothing", "services/events/app.py", "import services.topology"),
        ("shared never imports", "shared/http/__init__.py", "import services.booking.rules"),
        ("Inside a service", "services/booking/models.py", "import services.booking.handlers"),
        ("Inside web", "services/web/page.py", "import services.web.pages"),
        ("A door shows schemas", "services/booking/api.py", "import services.booking.models"),
        ("A door shows schemas", "services/booking/schemas.py", "import services.booking.models"),
        ("Use cases and reads", "services/booking/handlers.py", "import fastapi"),
        ("Tables know nothing", "services/booking/models.py", "import shared.messaging"),
        ("Rules decide", "services/booking/rules.py", "import sqlalchemy"),
        ("The published language", "shared/contracts/__init__.py", "import sqlalchemy"),
        ("Only shared.observability", "services/events/app.py", "import opentelemetry"),
        ("Only shared.messaging imports", "services/booking/app.py", "import aiokafka"),
        ("Only shared.messaging and", "services/booking/messages.py", "import faststream"),
        ("The store knows", "shared/store/__init__.py", "import fastapi"),
    ],
)
def test_a_planted_import_breaks_its_contract(
    contract: str, path: str, text: str, tmp_path: Path
) -> None:
    """Each contract names the import that breaks it."""
    done = lint(tmp_path, {path: text})
    broken = " ".join(done.stdout.split())
    assert done.returncode == 1, done.stdout + done.stderr
    start = broken.index(contract)
    assert "BROKEN" in broken[start : start + 160].split("KEPT")[0]


def test_every_contract_is_planted_against() -> None:
    """No contract is without a test that breaks it."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    tested = {
        mark.args[1][i][0]
        for mark in test_a_planted_import_breaks_its_contract.pytestmark  # type: ignore[attr-defined]  # set by the decorator
        for i in range(len(mark.args[1]))
    }
    names = [contract["name"] for contract in contracts["contracts"]]
    assert [name for name in names if not any(name.startswith(t) for t in tested)] == []
