"""Many listeners and searchers at one server: how long they wait, and what goes wrong.

    python benchmarks/serve_load.py --listeners 50 --queries 20 --seconds 30

A library is made up: recordings of tones with words by Zipf's law, in SQLite. The server runs as a process of its own,
as `audiosearch serve` starts it. Each listener plays one recording after the other as a browser does: it asks for
transcript and waveform, then for the sound by Range from somewhere on, and reads that at --rate times the speed of
speech until it jumps elsewhere. Searches come at their rate whether or not the answers keep up.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import httpx
import numpy as np
import soundfile

from audiosearch.types import Word
from indexer.index import open_index
from indexer.ingest.crawl import content_id
from indexer.types import Recording

REPOSITORY = Path(__file__).resolve().parent.parent
VOCABULARY = 20_000
WORDS_A_SECOND = 2.5


def make_library(folder: Path, recordings: int, minutes: float) -> None:
    """Recordings of tones in ``folder``, and ``store.db`` that knows them."""
    chance = np.random.default_rng(1)
    seconds = round(60 * minutes)
    time_of = np.arange(16000 * 10) / 16000
    with open_index(str(folder / "store.db"), create=True) as index:
        for number in range(recordings):
            tone = 0.3 * np.sin(2 * np.pi * (200 + 10 * number) * time_of) * (0.5 + 0.5 * np.sin(time_of * 9))
            path = folder / f"{number:03}.ogg"
            with soundfile.SoundFile(path, "w", 16000, 1, format="OGG", subtype="VORBIS") as file:
                for _ in range(seconds // 10):
                    file.write(tone)
            ranks = np.minimum(chance.zipf(1.3, round(seconds * WORDS_A_SECOND)), VOCABULARY)
            words = [
                Word(f"w{_letters(int(rank))}", place / WORDS_A_SECOND, (place + 0.9) / WORDS_A_SECOND, 0.9)
                for place, rank in enumerate(ranks)
            ]
            identity, location = content_id(path)
            index.add(Recording(identity, (location,), float(seconds), "tones", "2024-05-01T12:00:00+00:00"), words)


def _letters(number: int) -> str:
    """A number as letters: words of transcripts have no digits."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


class Load:
    """Listeners and searchers, and what they met."""

    def __init__(self, client: httpx.AsyncClient, identities: list[str], seconds: float, rate: float) -> None:
        """To go on for so many seconds."""
        self.client, self.identities, self.rate = client, identities, rate
        self.end = time.monotonic() + seconds
        self.waits: defaultdict[str, list[float]] = defaultdict(list)
        self.errors: Counter[str] = Counter()
        self.bytes = 0

    async def ask(self, kind: str, path: str, **parameters: str | int | float) -> None:
        """One question whose answer is read whole."""
        start = time.monotonic()
        try:
            answer = await self.client.get(path, params=parameters)
            if answer.status_code != 200:
                self.errors[f"{kind}: status {answer.status_code}"] += 1
        except httpx.HTTPError as error:
            self.errors[f"{kind}: {type(error).__name__}"] += 1
        self.waits[kind].append(time.monotonic() - start)

    async def listen(self, chance: random.Random) -> None:
        """Play recordings, from somewhere on, with a jump now and then."""
        await asyncio.sleep(chance.random())
        while time.monotonic() < self.end:
            path = f"/api/recordings/{chance.choice(self.identities)}"
            await self.ask("transcript", f"{path}/transcript", offset=400 * chance.randrange(4), limit=400)
            await self.ask("peaks", f"{path}/peaks", points=1000)
            try:
                await self._play(f"{path}/audio", chance)
            except httpx.HTTPError as error:
                self.errors[f"audio: {type(error).__name__}"] += 1

    async def _play(self, path: str, chance: random.Random) -> None:
        size = int((await self.client.head(path)).headers["content-length"])
        first = chance.randrange(size)
        start = time.monotonic()
        patience = start + chance.uniform(3, 10)  # then another place
        async with self.client.stream("GET", path, headers={"range": f"bytes={first}-"}) as answer:
            if answer.status_code != 206:
                self.errors[f"audio: status {answer.status_code}"] += 1
                return
            length = 0
            async for piece in answer.aiter_bytes(16384):
                if not length:
                    self.waits["audio, first bytes"].append(time.monotonic() - start)
                length += len(piece)
                if time.monotonic() > min(patience, self.end):
                    break
                await asyncio.sleep(len(piece) / (self.rate * 8000))  # 64 kbit/s
            else:
                if length != size - first:
                    self.errors["audio: too short"] += 1
        self.bytes += length

    async def search(self, each: float, chance: random.Random) -> None:
        """Questions every so many seconds, answered or not."""
        running: set[asyncio.Task[None]] = set()
        due = time.monotonic()
        while due < self.end:
            await asyncio.sleep(due - time.monotonic())
            due += each
            words = " ".join(f"w{_letters(int(chance.paretovariate(0.3)) % VOCABULARY + 1)}" for _ in range(2))
            text = words if chance.random() < 0.7 else words.split()[0]
            task = asyncio.create_task(self.ask("search", "/api/search", q=text, limit=50))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)


async def run(url: str, arguments: argparse.Namespace) -> Load:
    """The whole load."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client:
        answer = (await client.get("/api/recordings", params={"limit": 1000})).json()
        identities = [one["id"] for one in answer["recordings"]]
        start = time.monotonic()
        for identity in identities:
            await client.get(f"/api/recordings/{identity}/peaks")
        print(f"waveforms            {len(identities)} measured in {time.monotonic() - start:.1f} s, then kept")
        load = Load(client, identities, arguments.seconds, arguments.rate)
        listeners = [load.listen(random.Random(number)) for number in range(arguments.listeners)]
        searchers = [load.search(1 / arguments.queries, random.Random(-1))] if arguments.queries else []
        await asyncio.gather(*listeners, *searchers)
        return load


def processor_seconds(process: int) -> float:
    """Processor time that a process has taken; not a number where it cannot be told."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Make the library, start the server, load it, tell what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=50)
    parser.add_argument("--queries", type=float, default=20, help="a second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=float, default=2, help="how many times as fast as speech is listened to")
    parser.add_argument("--recordings", type=int, default=12)
    parser.add_argument("--minutes", type=float, default=3, help="of each recording")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_library(folder, arguments.recordings, arguments.minutes)
        command = [sys.executable, "cli.py", "serve", "--port", "0", "--store", str(folder / "store.db")]
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
        server = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+[0-9]", server.stdout.readline())
            assert found, "the server does not start"
            before = processor_seconds(server.pid)
            load = asyncio.run(run(found[0], arguments))
            taken = processor_seconds(server.pid) - before
            memory = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8"))
        finally:
            server.terminate()
            server.wait()
    for kind, waits in sorted(load.waits.items()):
        milliseconds = sorted(1000 * wait for wait in waits)
        p95, p99 = (milliseconds[int(len(milliseconds) * share)] for share in (0.95, 0.99))
        print(
            f"{kind:20} {len(waits):6} answers   median {statistics.median(milliseconds):7.1f} ms"
            f"   p95 {p95:7.1f} ms   p99 {p99:7.1f} ms"
        )
    print(f"sound                {load.bytes / 1e6:.1f} MB in {arguments.seconds:.0f} s")
    print(f"server               {taken / arguments.seconds:.0%} of a processor", end="")
    print(f", at most {int(memory[1]) / 1000:.0f} MB" if memory else "")
    print(f"errors               {dict(load.errors) or 'none'}")
    return 1 if load.errors else 0


if __name__ == "__main__":
    sys.exit(main())
