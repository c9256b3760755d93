"""A real Elasticsearch server for tests, downloaded once."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Any, NoReturn

import pytest

ELASTICSEARCH = os.environ.get("AUDIOSEARCH_TEST_ELASTICSEARCH_VERSION", "8.19.21")
"""Default: the newest 8.x of which Maven Central has the test distribution (97 MB, without a JDK)."""

JAVA = 21 if int(ELASTICSEARCH.partition(".")[0]) >= 9 else 17
"""Oldest supported Java."""

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "audiosearch-tests"


def answer(url: str, *, method: str = "GET", body: bytes | None = None) -> bytes:
    """Body of the response of a server; empty for status 404."""
    request = urllib.request.Request(url, data=body, method=method, headers={"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            content: bytes = response.read()
            return content
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 404:
                raise RuntimeError(f"{method} {url}: {error.code} {error.read().decode()[:500]}") from error
        return b""


class Node:
    """An official server on a loopback port, with a new data folder; stopped at the end of the block."""

    def __init__(self) -> None:
        java = _java()
        archive = _distribution()
        # Not in the cache: the server may run as another user, without access to the home folder.
        self._folder = Path(tempfile.mkdtemp(prefix="audiosearch-elasticsearch-"))
        self._log = self._folder / "output.log"
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "ES_JAVA_HOME": str(java),
            "ES_TMPDIR": str(self._folder / "temporary"),
        }
        with zipfile.ZipFile(archive) as file:
            file.extractall(self._folder)
        (self._home,) = self._folder.glob("elasticsearch-*")
        self._configure(port=0)
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            nobody = 65534
            self._user = {"user": nobody, "group": nobody, "extra_groups": []}
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
        # Options for a fast start.
        options = "-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.io.tmpdir=${ES_TMPDIR}"
        (self._home / "config" / "jvm.options").write_text("\n".join(options))

    def __enter__(self) -> Node:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._end(number)
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server on its existing data and wait until it is ready; the URL stays the same."""
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
                **self._user,
            )
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline and self._process.poll() is None:
            if ports.exists() and (addresses := ports.read_text().split()):
                self.url = f"http://{addresses[0]}"
                answer(f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=60s")
                self._configure(port=int(addresses[0].rpartition(":")[2]))
                return
            time.sleep(0.2)
        pytest.fail(f"Elasticsearch does not start:\n{self._log.read_text()[-3000:]}")

    def kill(self) -> None:
        """Kill the server with SIGKILL."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        self._process.wait(30)


def _unavailable(reason: str) -> NoReturn:
    """Skip the test, or fail if AUDIOSEARCH_REQUIRE_ELASTICSEARCH is set."""
    if os.environ.get("AUDIOSEARCH_REQUIRE_ELASTICSEARCH"):
        pytest.fail(f"AUDIOSEARCH_REQUIRE_ELASTICSEARCH is set, but {reason}")
    pytest.skip(f"Elasticsearch is not tested: {reason}")


def _java() -> Path:
    """Home of a supported Java."""
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
    _unavailable(f"Elasticsearch {ELASTICSEARCH} needs Java {JAVA} or newer, and none was found")


def _distribution() -> Path:
    """The official server, downloaded once."""
    archive = CACHE / f"elasticsearch-{ELASTICSEARCH}.zip"
    if archive.exists():
        return archive
    maven = shutil.which("mvn")
    if maven is None:
        _unavailable("downloading it needs Maven, and there is no mvn on the PATH")
    artifact = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{ELASTICSEARCH}:zip"
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        command = [maven, "-B", "-q", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=folder)
            problem = done.stdout.strip().splitlines()[:1] if done.returncode else []
        except subprocess.TimeoutExpired:
            problem = ["it took more than ten minutes"]
        if problem:
            _unavailable(f"{artifact} cannot be downloaded: {problem[0]}")
        (Path(folder) / archive.name).rename(archive)
    return archive
