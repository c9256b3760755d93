"""Stores to test with: SQLite files, and a real Elasticsearch server that the tests start themselves."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

import pytest

from audiosearch.types import Word
from indexer import documents, elastic_client
from indexer.types import Location, Recording

ELASTICSEARCH = os.environ.get("AUDIOSEARCH_TEST_ELASTICSEARCH_VERSION", "8.19.21")
"""By default the newest 8.x of which Maven Central has the distribution for tests (97 MB, without a JDK)."""

JAVA = 21 if int(ELASTICSEARCH.partition(".")[0]) >= 9 else 17
"""The oldest Java that it runs on."""

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
    """Where an index can be made in Elasticsearch; it is deleted afterwards, with all whose names begin with its."""
    name = f"audiosearch-test-{uuid.uuid4().hex[:12]}"
    yield f"{elastic_server}/{name}"
    for index in json.loads(answer(f"{elastic_server}/{name}*/_alias")):
        answer(f"{elastic_server}/{index}", method="DELETE")
    templates = json.loads(answer(f"{elastic_server}/_index_template/audiosearch-{name}*") or "{}")
    for template in templates.get("index_templates", []):
        answer(f"{elastic_server}/_index_template/{template['name']}", method="DELETE")


def answer(url: str, *, method: str = "GET", body: bytes | None = None) -> bytes:
    """What a server answers; nothing where it has nothing there."""
    request = urllib.request.Request(url, data=body, method=method, headers={"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            content: bytes = reply.read()
            return content
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 404:
                raise RuntimeError(f"{method} {url}: {error.code} {error.read().decode()[:500]}") from error
        return b""


@pytest.fixture(scope="session")
def elastic_server() -> Iterator[str]:
    """A running server: that of AUDIOSEARCH_TEST_ELASTICSEARCH, or one that is started here."""
    given = os.environ.get("AUDIOSEARCH_TEST_ELASTICSEARCH")
    if given:
        yield given.rstrip("/")
        return
    with Node() as node:
        yield node.url


@pytest.fixture
def elastic_node() -> Iterator[Node]:
    """A server of one's own, to be killed and started again."""
    if os.environ.get("AUDIOSEARCH_TEST_ELASTICSEARCH"):
        pytest.skip("a server that is given is not killed")
    with Node() as node:
        yield node


@pytest.fixture
def ask() -> Callable[..., bytes]:
    """``ask(url, method="GET", body=None)``: what a server answers."""
    return answer


class Node:
    """An official server on a loopback port, with data of its own, that ends with the block."""

    def __init__(self) -> None:
        java = _java()
        archive = _distribution()
        # Not in the cache: the user that the server runs as may not look into the home of the one that runs the tests.
        self._folder = Path(tempfile.mkdtemp(prefix="audiosearch-elasticsearch-"))
        self._log = self._folder / "output.log"
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "ES_JAVA_HOME": str(java),
            "ES_TMPDIR": str(self._folder / "temporary"),
        }
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(self._folder)
        (self._home,) = self._folder.glob("elasticsearch-*")
        self._configure(port=0)
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            nobody = 65534
            self._as = {"user": nobody, "group": nobody, "extra_groups": []}
            for root, _, files in os.walk(self._folder):
                for name in (root, *(os.path.join(root, name) for name in files)):  # noqa: PTH118
                    os.chown(name, nobody, nobody)

    def _configure(self, port: int) -> None:
        for script in (self._home / "bin").iterdir():
            script.chmod(0o755)
        (self._home / "config" / "elasticsearch.yml").write_text(
            "discovery.type: single-node\n"
            "network.host: 127.0.0.1\n"
            f"http.port: {port}\n"
            "node.portsfile: true\n"
            "xpack.security.enabled: false\n"
            "cluster.routing.allocation.disk.threshold_enabled: false\n"
        )
        (self._folder / "temporary").mkdir(exist_ok=True)
        # The server's own options make it quick for long, these quick to start.
        options = "-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.io.tmpdir=${ES_TMPDIR}"
        (self._home / "config" / "jvm.options").write_text("\n".join(options))

    def __enter__(self) -> Node:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *about: object) -> None:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._end(how)
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it, on the data that it has, and wait until it answers; the URL stays the same."""
        ports = self._home / "logs" / "http.ports"
        ports.unlink(missing_ok=True)
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [self._home / "bin" / "elasticsearch"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment,
                cwd=self._folder,
                start_new_session=True,
                **self._as,
            )
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline and self._process.poll() is None:
            if ports.exists() and (told := ports.read_text().split()):
                self.url = f"http://{told[0]}"
                answer(f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=60s")
                self._configure(port=int(told[0].rpartition(":")[2]))
                return
            time.sleep(0.2)
        pytest.fail(f"Elasticsearch does not start:\n{self._log.read_text()[-3000:]}")

    def kill(self) -> None:
        """What ``kill -9`` does to it."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, how)
        self._process.wait(30)


def _unavailable(reason: str) -> NoReturn:
    """Skip the test, or fail where it must not be skipped."""
    if os.environ.get("AUDIOSEARCH_REQUIRE_ELASTICSEARCH"):
        pytest.fail(f"Elasticsearch must be tested here (AUDIOSEARCH_REQUIRE_ELASTICSEARCH), but {reason}")
    pytest.skip(f"Elasticsearch is not tested: {reason}")


def _java() -> Path:
    """Home of a Java that is new enough."""
    on_path = shutil.which("java")
    homes = [
        *([Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []),
        *([Path(on_path).resolve().parent.parent] if on_path else []),
        *sorted(Path("/usr/lib/jvm").glob("*")),
    ]
    for home in homes:
        with contextlib.suppress(OSError):
            version = re.search(r'^JAVA_VERSION="(\d+)', (home / "release").read_text(), flags=re.MULTILINE)
            if version and int(version[1]) >= JAVA:
                return home
    _unavailable(f"Elasticsearch {ELASTICSEARCH} needs Java {JAVA} or newer, and there is none on the PATH")


def _distribution() -> Path:
    """The official server, fetched once."""
    archive = CACHE / f"elasticsearch-{ELASTICSEARCH}.zip"
    if archive.exists():
        return archive
    maven = shutil.which("mvn")
    if maven is None:
        _unavailable("fetching it needs Maven, and there is no mvn on the PATH")
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
            _unavailable(f"{artifact} cannot be fetched: {problem[0]}")
        (Path(fetched) / archive.name).rename(archive)
    return archive


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


# Servers of which a test says what they answer


Answer = tuple[int, object]
MAPPED: Answer = 200, {"library": {"mappings": documents.MAPPINGS}}


class Script:
    """A server on loopback that answers as a test says, or as a real one behind it does.

    Args:
        answer: of a method, path and body; may be replaced at any time. None: what ``upstream`` answers. With status 0
            the connection is cut: before all of the answer where that is empty, else before its last byte, where it is
            None that of ``upstream``.
        upstream: URL of the server behind.
    """

    def __init__(self) -> None:
        self.answer: Callable[[str, str, str], Answer | None] = lambda method, path, body: MAPPED
        self.upstream = ""
        self.product = "Elasticsearch"
        self.requests: list[tuple[str, str, str]] = []
        self.headers: list[dict[str, str]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _respond(self) -> None:
                sent = self.rfile.read(int(self.headers.get("content-length") or 0))
                path = self.path.partition("?")[0]
                script.requests.append((self.command, path, sent.decode()))
                script.headers.append({name.lower(): value for name, value in self.headers.items()})
                status, content = script.answer(self.command, path, sent.decode()) or self.pass_on(sent)
                if status == 0:
                    self.close_connection = True
                    if content is None:
                        _, content = self.pass_on(sent)
                    if content == "":
                        return
                kind = "text/html" if isinstance(content, str) else "application/json"
                text = (content if isinstance(content, str) else json.dumps(content)).encode()
                self.send_response(status or 200)
                self.send_header("content-type", kind)
                if script.product:
                    self.send_header("X-Elastic-Product", script.product)
                self.send_header("content-length", str(len(text)))
                with contextlib.suppress(ConnectionError):  # whoever asked may have lost patience
                    self.end_headers()
                    self.wfile.write(text if status else text[:-1])

            def pass_on(self, sent: bytes) -> Answer:
                kinds = {name: self.headers[name] for name in ("accept", "content-type") if name in self.headers}
                request = urllib.request.Request(script.upstream + self.path, sent or None, kinds, method=self.command)
                try:
                    reply = urllib.request.urlopen(request, timeout=60)
                except urllib.error.HTTPError as error:
                    reply = error
                with reply:
                    return reply.status, json.loads(reply.read() or b"{}")

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _respond

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/library"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """A scripted server, of which nobody waits long for an answer."""
    monkeypatch.setattr(elastic_client, "RETRY_SECONDS", (0.0, 0.0, 0.0))
    script = Script()
    thread = threading.Thread(target=script.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield script
    script.server.shutdown()
    script.server.server_close()
    thread.join()
