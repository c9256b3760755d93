"""Stores to test with: SQLite files, and a real Elasticsearch server that the tests start themselves."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audiosearch.types import Word
from indexer.types import Location, Recording

ELASTICSEARCH = "8.19.21"
"""The newest 8.x of which Maven Central has the distribution for tests (97 MB, without a JDK)."""

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "audiosearch-tests"


# Recordings


def _recording(number: int, *, path: str | None = None, duration: float = 60.0) -> Recording:
    where = Location(path or f"/recordings/{number:03}.ogg", 1000 + number, 1_700_000_000_000_000_000 + number)
    return Recording(f"id{number:03}", (where,), duration, "model", "2024-05-01T12:00:00Z")


def _spoken(text: str, *, confidence: float = 0.9) -> list[Word]:
    return [Word(word, 0.25 * place, 0.25 * place + 0.2, confidence) for place, word in enumerate(text.split())]


def _babble(chance: random.Random, length: int, vocabulary: list[str]) -> list[Word]:
    words, now = [], 0.0
    for _ in range(length):
        now += chance.choice([0.0, 0.0002, 0.02, 0.3, 7.0])
        end = now + chance.choice([0.02, 0.25, 0.3337])
        words.append(Word(chance.choice(vocabulary), now, end, chance.choice([1.0, 0.9, 0.9001, chance.random()])))
        now = end
    return words


@pytest.fixture
def recording() -> Callable[..., Recording]:
    """``recording(number, path=None, duration=60.0)``: one, of which nothing exists."""
    return _recording


@pytest.fixture
def spoken() -> Callable[..., list[Word]]:
    """``spoken(text, confidence=0.9)``: its words, four in a second."""
    return _spoken


@pytest.fixture
def babble() -> Callable[[random.Random, int, list[str]], list[Word]]:
    """``babble(chance, length, vocabulary)``: random words with pauses; many confidences are equal."""
    return _babble


# Stores


@pytest.fixture(params=["sqlite", pytest.param("elastic", marks=pytest.mark.elastic)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an index can be made, in each kind of store."""
    if request.param == "sqlite":
        return str(tmp_path / "library.db")
    name: str = request.getfixturevalue("elastic_url")
    return name


@pytest.fixture
def elastic_url(elastic_server: str) -> Iterator[str]:
    """Where an index can be made in Elasticsearch; it is deleted afterwards."""
    url = f"{elastic_server}/audiosearch-test-{uuid.uuid4().hex[:12]}"
    yield url
    answer(url, method="DELETE")


def answer(url: str, *, method: str = "GET", body: bytes | None = None) -> bytes:
    """What a server answers; nothing where it has nothing there."""
    request = urllib.request.Request(url, data=body, method=method, headers={"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            content: bytes = reply.read()
            return content
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 404:
            raise
        return b""


@pytest.fixture(scope="session")
def elastic_server() -> Iterator[str]:
    """A running server: that of AUDIOSEARCH_TEST_ELASTICSEARCH, or one that is started here."""
    given = os.environ.get("AUDIOSEARCH_TEST_ELASTICSEARCH")
    if given:
        yield given.rstrip("/")
        return
    java = shutil.which("java")
    if java is None:
        pytest.skip("Elasticsearch is not tested: it needs Java 17 or newer, and there is no java on the PATH")
    archive = _distribution()
    # Not in the cache: the user that the server runs as may not look into the home of the one that runs the tests.
    folder = Path(tempfile.mkdtemp(prefix="audiosearch-elasticsearch-"))
    try:
        yield from _served(folder, archive, Path(java).resolve().parent.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _distribution() -> Path:
    """The official server, fetched once."""
    archive = CACHE / f"elasticsearch-{ELASTICSEARCH}.zip"
    if archive.exists():
        return archive
    maven = shutil.which("mvn")
    if maven is None:
        pytest.skip("Elasticsearch is not tested: fetching it needs Maven, and there is no mvn on the PATH")
    artifact = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{ELASTICSEARCH}:zip"
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as fetched:
        command = [maven, "-B", "-q", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={fetched}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=fetched)
            problem = done.stdout.strip().splitlines()[:1] if done.returncode else []
        except subprocess.TimeoutExpired:
            problem = ["it took more than ten minutes"]
        if problem:
            pytest.skip(f"Elasticsearch is not tested: {artifact} cannot be fetched: {problem[0]}")
        (Path(fetched) / archive.name).rename(archive)
    return archive


def _served(folder: Path, archive: Path, java_home: Path) -> Iterator[str]:
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    (home,) = folder.glob("elasticsearch-*")
    for script in (home / "bin").iterdir():
        script.chmod(0o755)
    (home / "config" / "elasticsearch.yml").write_text(
        "discovery.type: single-node\n"
        "network.host: 127.0.0.1\n"
        "http.port: 0\n"
        "node.portsfile: true\n"
        "xpack.security.enabled: false\n"
        "cluster.routing.allocation.disk.threshold_enabled: false\n"
    )
    (folder / "temporary").mkdir()
    # The server's own options make it quick for long, these quick to start.
    options = "-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.io.tmpdir=${ES_TMPDIR}"
    (home / "config" / "jvm.options").write_text("\n".join(options))
    as_nobody = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        nobody = 65534
        as_nobody = {"user": nobody, "group": nobody, "extra_groups": []}
        for root, _, files in os.walk(folder):
            for name in (root, *(os.path.join(root, name) for name in files)):  # noqa: PTH118
                os.chown(name, nobody, nobody)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ES_JAVA_HOME": str(java_home),
        "ES_TMPDIR": str(folder / "temporary"),
    }
    log = folder / "output.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [home / "bin" / "elasticsearch"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=folder,
            start_new_session=True,
            **as_nobody,  # type: ignore[call-overload]
        )
    try:
        yield _url_of(server, home / "logs" / "http.ports", log)
    finally:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(server.pid, how)
                server.wait(30)


def _url_of(server: subprocess.Popen[bytes], ports: Path, log: Path) -> str:
    """Where the server answers, when it does."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and server.poll() is None:
        if ports.exists() and ports.read_text().strip():
            url = f"http://{ports.read_text().split()[0]}"
            answer(f"{url}/_cluster/health?wait_for_status=yellow&timeout=60s")
            return url
        time.sleep(0.2)
    pytest.fail(f"Elasticsearch does not start:\n{log.read_text()[-3000:]}")


@pytest.fixture
def unprivileged() -> Iterator[Callable[[], Path]]:
    """When called: takes from this process the rights of root, if it has them, and gives a folder to work in."""
    before = os.geteuid()
    folder = Path(tempfile.mkdtemp(prefix="audiosearch-test-"))

    def drop() -> Path:
        if before == 0:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
        return folder

    try:
        yield drop
    finally:
        os.seteuid(before)
        shutil.rmtree(folder)
