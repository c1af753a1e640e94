"""The alarms, as Prometheus itself understands them: promtool runs their own tests."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.architecture.sources import ROOT
from tests.required import unavailable

PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = PROMETHEUS / "andan.rules.yml"
TESTS = Path(__file__).parent / "alerts.yml"
ALARMS = [
    rule["alert"]
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
    if "alert" in rule
]


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run promtool; where it is not installed, say so."""
    found = shutil.which("promtool")
    if found is None:
        reason = "promtool is missing: install Debian's prometheus"
        if "prometheus" in (ROOT / ".ci" / "run").read_text(encoding="utf-8"):
            unavailable(reason)
        pytest.skip(reason)
    return subprocess.run([found, *map(str, arguments)], capture_output=True, check=False)


def test_the_configuration_is_sound() -> None:
    """Prometheus starts with the configuration, and reads the rules that it names."""
    checked = promtool("check", "config", PROMETHEUS / "prometheus.yml")
    assert checked.returncode == 0, checked.stderr


def test_the_alarms_fire_when_they_should() -> None:
    """Every case of alerts.yml comes out as it says."""
    tested = promtool("test", "rules", TESTS)
    assert tested.returncode == 0, tested.stderr


def test_no_alarm_is_untested() -> None:
    """Each alarm is seen to fire in a case: without it, that case would come out otherwise."""
    cases = yaml.safe_load(TESTS.read_text(encoding="utf-8"))["tests"]
    asked = [each for case in cases for each in case["promql_expr_test"]]
    seen = {
        name
        for each in asked
        if 'alertstate="firing"' in each["expr"] and each["exp_samples"]
        for name in re.findall(r'alertname="(\w+)"', str(each))
    }
    assert seen == set(ALARMS)
