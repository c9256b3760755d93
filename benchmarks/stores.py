"""Speed, size and response times of the stores on the same synthetic library.

    python benchmarks/stores.py
    python benchmarks/stores.py --words 1e8 --only sqlite --keep /var/tmp/stores
    python benchmarks/stores.py --elastic http://localhost:9200/benchmark

Without ``--elastic`` only SQLite is measured. The index at the URL is created, and deleted at the end. With ``--keep``
stores are not deleted, and a complete one is searched without being filled again. Recordings last about an hour; their
words are drawn independently by Zipf's law. Generating them is not measured. Each query is run once, for 20 hits, one
after the other, with the files in the cache of the system; a class ends after ``--seconds``. "client" is the median of
the time minus the server's ``took``. A new index is searched after a minute: until then readers read recent recordings
twice (``elastic/reader.py``).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from library import VOCABULARY, Library

from indexer.index import open_index
from indexer.types import Query

LIMIT = 20
SETTLE_SECONDS = 65.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Built:
    """Time, size and memory of filling a store."""

    words: int
    hours: float
    seconds: float
    bytes: int
    memory: int


@dataclass(frozen=True)
class Timings:
    """Times of a class of queries in milliseconds: in total, and without the server."""

    total: list[float]
    client: list[float]
    hits: float


def build(library: Library, url: str) -> Built:
    """Add missing recordings in this process."""
    seconds = added = 0.0
    with open_index(url, create=True) as index:
        known = {recording.id for recording in index.recordings()}
        for number in range(library.recordings):
            if f"{number:064x}" in known:
                continue
            recording, words = library.recording(number)
            started = time.perf_counter()
            index.add(recording, words)
            seconds += time.perf_counter() - started
            added += len(words)
        statistics = index.statistics()
    scale = statistics.words / added if added else 0.0
    return Built(statistics.words, statistics.seconds / 3600, seconds * scale, statistics.bytes, resident())


def run_queries(library: Library, url: str, count: int, limit: float) -> tuple[dict[str, Timings], int]:
    """Timings of all classes of queries in this process, and its memory."""
    timings = {}
    queries = library.queries(count)
    with open_index(url, create=False) as index, server_time() as server:
        for warm in queries["two random words"][:20]:
            index.search(Query((warm,)), LIMIT)
        for name, phrases in queries.items():
            total, client, hits = [], [], 0
            end = time.perf_counter() + limit
            for phrase in phrases:
                server.clear()
                started = time.perf_counter()
                if started > end:
                    break
                page = index.search(Query((phrase,)), LIMIT)
                total.append(1000 * (time.perf_counter() - started))
                client.append(total[-1] - sum(server))
                hits += len(page.hits)
            timings[name] = Timings(total, client, hits / len(total))
    return timings, resident()


@contextmanager
def server_time() -> Iterator[list[float]]:
    """List that gets the ``took`` of every response of Elasticsearch, if its client is installed."""
    took: list[float] = []
    try:
        from elastic_transport import Transport
    except ImportError:
        yield took
        return
    original = Transport.perform_request

    def perform_request(self: Transport, *arguments: Any, **options: Any) -> Any:
        answer = original(self, *arguments, **options)
        if isinstance(answer.body, dict):
            took.append(answer.body.get("took", 0.0))
        return answer

    Transport.perform_request = perform_request  # type: ignore[method-assign]
    try:
        yield took
    finally:
        Transport.perform_request = original  # type: ignore[method-assign]


def resident() -> int:
    """Bytes of memory that this process has for itself, without what it reads of files through a map (Linux)."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon:")), 0)


def alone(function: Callable[..., Result], *arguments: Any) -> Result:
    """What a function gives in a fresh process, whose memory is its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def delete(url: str) -> None:
    """Delete an index; the URL may name an alias."""
    with urllib.request.urlopen(url) as response:
        names = json.load(response)
    for name in names:
        urllib.request.urlopen(urllib.request.Request(f"{url.rpartition('/')[0]}/{name}", method="DELETE")).close()


def percentile(values: Sequence[float], share: float) -> float:
    """Value below which a share of the values lies."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def measure(
    library: Library, url: str, note: Path, queries: int, limit: float
) -> tuple[Built, dict[str, Timings], int]:
    """Measure a store; the figures of filling it are kept in ``note``."""
    built = alone(build, library, url)
    if built.seconds:
        note.write_text(json.dumps(asdict(built)))
        if "://" in url:
            time.sleep(SETTLE_SECONDS)
    elif note.exists():
        built = Built(**json.loads(note.read_text()))
    return built, *alone(run_queries, library, url, queries, limit)


def show(stores: dict[str, tuple[Built, dict[str, Timings], int]]) -> None:
    """Print the table."""
    width = 54
    print(f"{'':30}" + "".join(f"{name:>{width}}" for name in stores))
    rows: list[tuple[str, Callable[[Built, int], str]]] = [
        ("words per second indexed", lambda built, _: f"{built.words / built.seconds:,.0f}" if built.seconds else "?"),
        ("bytes per hour of audio", lambda built, _: f"{built.bytes / built.hours:,.0f}"),
        ("bytes per word", lambda built, _: f"{built.bytes / built.words:.1f}"),
        ("memory of the client, indexing", lambda built, _: f"{built.memory / 1e6:.0f} MB"),
        ("memory of the client, searching", lambda _, memory: f"{memory / 1e6:.0f} MB"),
    ]
    for title, cell in rows:
        print(f"{title:30}" + "".join(f"{cell(built, memory):>{width}}" for built, _, memory in stores.values()))
    print(f"{'milliseconds':30}" + f"{'p50      p95      p99   client   hits   runs':>{width}}" * len(stores))
    for name in next(iter(stores.values()))[1]:
        print(f"{name:30}", end="")
        for _, timings, _ in stores.values():
            row = timings[name]
            shares = "".join(f"{percentile(row.total, share):9.1f}" for share in (0.5, 0.95, 0.99))
            print(f"{shares + f'{percentile(row.client, 0.5):9.1f}{row.hits:7.1f}{len(row.total):7}':>{width}}", end="")
        print()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=lambda text: round(float(text)), default=10**7)
    parser.add_argument("--plain", action="store_true", help="no alternatives (default: 0.6 per word)")
    parser.add_argument("--queries", type=int, default=500, help="number of queries of each class")
    parser.add_argument("--seconds", type=float, default=60.0, help="time limit of each class")
    parser.add_argument("--only", choices=["sqlite", "elastic"])
    parser.add_argument("--elastic", metavar="URL", help="URL of an index, like http://localhost:9200/benchmark")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="folder of the SQLite file, reused by later runs")
    arguments = parser.parse_args()
    if arguments.only == "elastic" and not arguments.elastic:
        parser.error("--only elastic needs --elastic URL")
    library = Library(arguments.words, plain=arguments.plain)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{library.words:,} words, {library.recordings:,} recordings, {VOCABULARY:,} different words")
    stores = {}
    limits = arguments.queries, arguments.seconds
    with TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{library.words}-{library.seed}" + "-plain" * library.plain
        if arguments.only != "elastic":
            note = folder / f"sqlite-{name}.json"
            stores["SQLite"] = measure(library, str(folder / f"sqlite-{name}.db"), note, *limits)
        if arguments.elastic and arguments.only != "sqlite":
            note = folder / f"elastic-{name}.json"
            stores["Elasticsearch"] = measure(library, arguments.elastic, note, *limits)
            if not arguments.keep:
                delete(arguments.elastic)
    if not arguments.elastic:
        print("Elasticsearch is not measured: no --elastic URL")
    show(stores)


if __name__ == "__main__":
    main()
