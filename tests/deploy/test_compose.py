"""The house in containers: as the topology says, with what the settings know, and guarded."""

import copy
import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import jsonschema_rs
import pytest
import yaml
from pydantic import AliasChoices

from services.commands.secret_files import PASSWORDS, WRITABLE
from services.gateway.settings import Settings as GatewaySettings
from services.settings import ProcessSettings
from services.topology import DOMAIN, SERVICES, WITH_STORE
from services.web.settings import Settings as WebSettings
from shared.messaging.principals import ADMIN, SERVER, principal
from shared.security.keyring import SECRETS_VARIABLE
from shared.settings import ServiceSettings
from tests.architecture.sources import ROOT
from tests.deploy.compose import (
    FOLDER,
    ONE_SHOT,
    SECRETS,
    compose,
    containers,
    mounts,
    ours,
    services,
)

PINNED = re.compile(r":v?\d+\.\d+(\.\d+)?(-[a-z]+)?$")


def variables(kind: type[ServiceSettings]) -> Iterator[str]:
    """Yield the variables that a class of settings reads."""
    prefix = kind.model_config.get("env_prefix", "")
    for name, field in kind.model_fields.items():
        alias = field.validation_alias
        assert not isinstance(alias, AliasChoices)
        yield str(alias) if alias else f"{prefix}{name}".upper()


def known(service: str) -> set[str]:
    """Return the variables that the process of a service reads."""
    own: dict[str, type[ServiceSettings]] = {name: kind for name, (_, kind) in DOMAIN.items()}
    own |= {"web": WebSettings, "gateway": GatewaySettings}
    return {SECRETS_VARIABLE, *variables(ProcessSettings), *variables(own[service])}


def unguarded(name: str, container: dict[str, Any]) -> Iterator[str]:
    """What a container may do beyond its work is what an intruder may do."""
    if container.get("cap_drop") != ["ALL"]:
        yield f"{name}: keeps capabilities"
    if container.get("security_opt") != ["no-new-privileges:true"]:
        yield f"{name}: may gain privileges"
    if not container.get("read_only") and name != "kafka":
        yield f"{name}: its root can be written"
    registry, slash, _ = container["image"].partition("/")
    if not PINNED.search(container["image"]) or (slash and "." in registry):
        yield f"{name}: {container['image']} names no version, or a registry"
    if container.get("privileged") or container.get("network_mode") or container.get("pid"):
        yield f"{name}: shares the machine's own"
    if "test" not in container.get("healthcheck", {}) and name not in ONE_SHOT:
        yield f"{name}: nobody asks whether it is well"
    for port in container.get("ports", []):
        if not port.startswith(("127.0.0.1:", "${ANDAN_ADDRESS:-127.0.0.1:")):
            yield f"{name}: {port} answers the whole network"


def impatient(all_of_them: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Who starts when another is well needs the other to say so; a one-shot has to end."""
    for name, container in all_of_them.items():
        for other, how in container.get("depends_on", {}).items():
            if other not in all_of_them:
                yield f"{name} waits for {other}, which is nowhere"
            ends = how["condition"] == "service_completed_successfully"
            if ends is not (other in ONE_SHOT):
                yield f"{name} waits for {other} in a way that never comes"


def test_every_service_is_a_container() -> None:
    """The file runs exactly the services of the topology, each under its name, and the topics."""
    assert list(services()) == list(SERVICES)
    assert all(containers()[name] == each for name, each in services().items())
    assert set(ours()) == {*SERVICES, *ONE_SHOT}
    assert containers()["topics"]["command"] == ["topics"]


@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_is_a_setting(service: str) -> None:
    """A variable that no setting reads would be believed and do nothing."""
    assert set(services()[service]["environment"]) <= known(service)


def test_the_topics_are_told_only_what_they_read() -> None:
    """The one-shot container needs the bus, and what its users log in with; it sees no key."""
    topics = containers()["topics"]
    assert set(topics["environment"]) <= {SECRETS_VARIABLE, *variables(ProcessSettings)}
    assert mounts(topics) == {SECRETS: (f"{FOLDER}/topics", False)}
    assert topics["environment"]["ANDAN_KAFKA_PASSWORDS"] == f"{SECRETS}/{PASSWORDS}"


def test_everybody_says_who_he_is() -> None:
    """Each service logs in to Kafka as itself, the topics are made by the administrator."""
    names = {name: each["environment"].get("KAFKA_USERNAME") for name, each in ours().items()}
    expected = {name: principal(name) for name in WITH_STORE}
    assert names == {**expected, "web": None, "topics": ADMIN}


def test_kafka_asks_everybody_who_he_is() -> None:
    """No listener lets anybody in without a login; what nobody was allowed is refused."""
    kafka = containers()["kafka"]["environment"]
    for name, value in SERVER.items():
        assert kafka[f"KAFKA_{name.upper().replace('.', '_')}"] == value
    protocols = dict(
        each.split(":") for each in kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
    )
    listeners = [each.split("://")[0] for each in kafka["KAFKA_LISTENERS"].split(",")]
    assert {protocols[each] for each in listeners} == {"SASL_PLAINTEXT"}
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert not any("ALLOW_EVERYONE" in name for name in kafka)
    assert mounts(containers()["kafka"])["/run/secrets/kafka"] == (f"{FOLDER}/kafka", False)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_sees_its_own_secrets_alone(service: str) -> None:
    """It reads its own folder, and writes only where it makes keys, or the first one."""
    seen = mounts(services()[service])
    expected = {SECRETS: (f"{FOLDER}/{service}", False)}
    if made := WRITABLE.get(service):
        expected[f"{SECRETS}/{made}"] = (f"{FOLDER}/{service}/{made}", True)
    if service == "gateway":
        expected["/data"] = (f"{FOLDER}/admin", True)
    assert seen == expected


def test_nobody_sees_all_keys() -> None:
    """The folder of all keys, and that of all secrets, are given to no container."""
    sources = [source for each in containers().values() for source, _ in mounts(each).values()]
    assert f"{FOLDER}/keys" not in sources
    assert FOLDER not in sources


def test_what_is_mounted_is_there() -> None:
    """Every volume is declared, every file of the tree exists, and no volume is left over."""
    sources = [source for each in containers().values() for source, _ in mounts(each).values()]
    assert [each for each in sources if each.startswith("./") and not (ROOT / each).exists()] == []
    named = {each for each in sources if not each.startswith((".", "/", "$"))}
    assert named == set(compose()["volumes"])


def test_every_container_is_guarded() -> None:
    """No privileges, no writable root, a pinned image, a health check, ports for this machine."""
    found = [each for name, it in containers().items() for each in unguarded(name, it)]
    assert found == []
    assert {each["user"][:13] for each in ours().values()} == {"${ANDAN_USER:"}


def test_starting_waits_for_health() -> None:
    """Whoever needs another waits until it is well, and for the topics until they are made."""
    assert list(impatient(containers())) == []
    for name in WITH_STORE:
        assert {"topics", "postgres"} <= set(services()[name]["depends_on"])
    assert set(services()["gateway"]["depends_on"]) >= set(SERVICES) - {"gateway"}


def test_a_planted_weakness_is_found() -> None:
    """A privileged container of the newest image and a wait for ever are reported."""
    planted = copy.deepcopy(containers())
    planted["web"] |= {"image": "andan:latest", "cap_drop": [], "ports": ["80:80"], "pid": "host"}
    planted["web"]["healthcheck"] = {}
    planted["web"]["depends_on"] = {"topics": {"condition": "service_healthy"}, "nobody": {}}
    planted["web"]["depends_on"]["nobody"] = {"condition": "service_healthy"}
    assert len(list(unguarded("web", planted["web"]))) == 5
    assert len(list(impatient(planted))) == 2


def test_the_bus_is_the_one_that_the_tests_run() -> None:
    """The container has the version of Kafka whose jars the tests start."""
    pom = ElementTree.parse(ROOT / "shared" / "testing" / "pom.xml").getroot()
    versions = {
        each.findtext("{*}artifactId"): each.findtext("{*}version")
        for each in pom.iterfind(".//{*}dependency")
    }
    assert containers()["kafka"]["image"] == f"apache/kafka:{versions['kafka_2.13']}"


def test_prometheus_asks_every_service() -> None:
    """Each service is asked under its container's name, and no other."""
    text = (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    jobs = {each["job_name"]: each for each in yaml.safe_load(text)["scrape_configs"]}
    targets = {name: job["static_configs"][0]["targets"] for name, job in jobs.items()}
    assert targets["andan"] == [f"{name}:8000" for name in SERVICES]
    assert targets["disks"] == ["disks:9100"]


def test_the_file_is_a_compose_file() -> None:
    """It is valid against the published schema of compose files, which refuses a planted word."""
    found = find_spec("check_jsonschema")
    if found is None or found.origin is None:
        pytest.skip("check-jsonschema, which brings the schema, is not installed")
    vendored = Path(found.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(vendored.read_text("utf-8"))
    validator = jsonschema_rs.validator_for(cast(dict[str, Any], schema))
    assert [error.message for error in validator.iter_errors(compose())] == []
    planted = compose()
    planted["services"]["web"]["helthcheck"] = {}
    assert not validator.is_valid(planted)
