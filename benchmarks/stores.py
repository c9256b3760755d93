"""How fast the stores are, how much they take, and how soon they answer, on the same made-up library.

    python benchmarks/stores.py
    python benchmarks/stores.py --words 1e8 --only sqlite --keep /var/tmp/stores
    python benchmarks/stores.py --elastic http://localhost:9200/benchmark

Without ``--elastic`` SQLite is measured alone. The index of that URL is made, and deleted at the end unless ``--keep``
is given; with it a store that is there with as many words is asked and not made again. Recordings last about an hour;
their words are drawn one by one by Zipf's law, so that neighbors know nothing of one another. Making them is not
counted. Each query is asked once, for 20 hits, one after the other, with the files in the system's memory; a class ends
after ``--seconds``. "client" is the median of what remains of the time without the server's ``took``. A server that was
just filled is asked a minute later: until then readers look twice at what may be changing (``elastic/reader.py``).
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
    """What making a store took, and what it takes."""

    words: int
    hours: float
    seconds: float
    bytes: int
    memory: int


@dataclass(frozen=True)
class Asked:
    """How long the answers to a class of queries took, in milliseconds, and what of it was not the server's."""

    total: list[float]
    client: list[float]
    hits: float


def build(library: Library, url: str) -> Built:
    """Add what is missing; a pass through all recordings, in this process."""
    seconds = added = 0.0
    with open_index(url, create=True) as index:
        known = {one.id for one in index.recordings()}
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


def ask(library: Library, url: str, count: int, limit: float) -> tuple[dict[str, Asked], int]:
    """Answers to all classes of queries, in this process, and its memory."""
    answers = {}
    queries = library.queries(count)
    with open_index(url, create=False) as index, server_time() as server:
        for warm in queries["two words as they come"][:20]:
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
            answers[name] = Asked(total, client, hits / len(total))
    return answers, resident()


@contextmanager
def server_time() -> Iterator[list[float]]:
    """The ``took`` of every answer of Elasticsearch, as they come, where its client is there."""
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
    """Take an index from its server; the URL may name it by an alias."""
    with urllib.request.urlopen(url) as answer:
        names = json.load(answer)
    for name in names:
        urllib.request.urlopen(urllib.request.Request(f"{url.rpartition('/')[0]}/{name}", method="DELETE")).close()


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of them lies."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def measure(library: Library, url: str, note: Path, queries: int, limit: float) -> tuple[Built, dict[str, Asked], int]:
    """One store; what making it took is remembered beside it."""
    built = alone(build, library, url)
    if built.seconds:
        note.write_text(json.dumps(asdict(built)))
        if "://" in url:
            time.sleep(SETTLE_SECONDS)
    elif note.exists():
        built = Built(**json.loads(note.read_text()))
    return built, *alone(ask, library, url, queries, limit)


def show(stores: dict[str, tuple[Built, dict[str, Asked], int]]) -> None:
    """The table."""
    width = 54
    print(f"{'':30}" + "".join(f"{name:>{width}}" for name in stores))
    rows: list[tuple[str, Callable[[Built, int], str]]] = [
        ("words per second indexed", lambda built, _: f"{built.words / built.seconds:,.0f}" if built.seconds else "?"),
        ("bytes per hour of audio", lambda built, _: f"{built.bytes / built.hours:,.0f}"),
        ("bytes per word", lambda built, _: f"{built.bytes / built.words:.1f}"),
        ("memory of the client, indexing", lambda built, _: f"{built.memory / 1e6:.0f} MB"),
        ("memory of the client, asking", lambda _, memory: f"{memory / 1e6:.0f} MB"),
    ]
    for title, cell in rows:
        print(f"{title:30}" + "".join(f"{cell(built, memory):>{width}}" for built, _, memory in stores.values()))
    print(f"{'milliseconds':30}" + f"{'p50      p95      p99   client   hits  asked':>{width}}" * len(stores))
    for name in next(iter(stores.values()))[1]:
        print(f"{name:30}", end="")
        for _, answers, _ in stores.values():
            one = answers[name]
            shares = "".join(f"{percentile(one.total, share):9.1f}" for share in (0.5, 0.95, 0.99))
            print(f"{shares + f'{percentile(one.client, 0.5):9.1f}{one.hits:7.1f}{len(one.total):7}':>{width}}", end="")
        print()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=lambda text: round(float(text)), default=10**7)
    parser.add_argument("--plain", action="store_true", help="words have no alternatives; else 0.6 each")
    parser.add_argument("--queries", type=int, default=500, help="of each class")
    parser.add_argument("--seconds", type=float, default=60.0, help="for a class, at most")
    parser.add_argument("--only", choices=["sqlite", "elastic"])
    parser.add_argument("--elastic", metavar="URL", help="of an index, like http://localhost:9200/benchmark")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for the SQLite file, which is used again")
    arguments = parser.parse_args()
    if arguments.only == "elastic" and not arguments.elastic:
        parser.error("--only elastic needs --elastic URL")
    library = Library(arguments.words, plain=arguments.plain)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{library.words:,} words, {library.recordings:,} recordings, {VOCABULARY:,} different words")
    stores = {}
    asking = arguments.queries, arguments.seconds
    with TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{library.words}-{library.seed}" + "-plain" * library.plain
        if arguments.only != "elastic":
            note = folder / f"sqlite-{name}.json"
            stores["SQLite"] = measure(library, str(folder / f"sqlite-{name}.db"), note, *asking)
        if arguments.elastic and arguments.only != "sqlite":
            note = folder / f"elastic-{name}.json"
            stores["Elasticsearch"] = measure(library, arguments.elastic, note, *asking)
            if not arguments.keep:
                delete(arguments.elastic)
    if not arguments.elastic:
        print("Elasticsearch is not measured: no --elastic URL")
    show(stores)


if __name__ == "__main__":
    main()
