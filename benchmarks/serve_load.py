"""Load test of the server with listeners and searches: response times and errors.

    python benchmarks/serve_load.py --listeners 50 --queries 20 --seconds 30

The library is synthetic: recordings of tones with words by Zipf's law, in SQLite. The server is a separate process,
started by `audiosearch serve`. Each listener plays recordings one after the other, as a browser does: it requests
transcript and waveform, then a byte range of the audio from a random position, which it reads at --rate times the speed
of speech until it seeks. Searches start at a constant rate, independent of the responses. Each request is logged, and
metrics and health are asked for every second; --quiet leaves all three out.
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
WORDS_PER_SECOND = 2.5


def make_library(folder: Path, recordings: int, minutes: float) -> None:
    """Write recordings of tones to ``folder``, and their index to ``store.db``."""
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
            ranks = np.minimum(chance.zipf(1.3, round(seconds * WORDS_PER_SECOND)), VOCABULARY)
            words = [
                Word(f"w{_letters(int(rank))}", i / WORDS_PER_SECOND, (i + 0.9) / WORDS_PER_SECOND, 0.9)
                for i, rank in enumerate(ranks)
            ]
            identity, location = content_id(path)
            index.add(Recording(identity, (location,), float(seconds), "tones", "2024-05-01T12:00:00+00:00"), words)


def _letters(number: int) -> str:
    """Digits of a number as letters: words of transcripts have no digits."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


class Load:
    """Listeners and searches, with response times and errors."""

    def __init__(self, client: httpx.AsyncClient, identities: list[str], seconds: float, rate: float) -> None:
        """Load for ``seconds``; ``rate`` is the speed of playback."""
        self.client, self.identities, self.rate = client, identities, rate
        self.end = time.monotonic() + seconds
        self.waits: defaultdict[str, list[float]] = defaultdict(list)
        self.errors: Counter[str] = Counter()
        self.bytes = 0

    async def get(self, kind: str, path: str, **parameters: str | int | float) -> None:
        """Request a path, and record time and errors."""
        start = time.monotonic()
        try:
            response = await self.client.get(path, params=parameters)
            if response.status_code != 200:
                self.errors[f"{kind}: status {response.status_code}"] += 1
        except httpx.HTTPError as error:
            self.errors[f"{kind}: {type(error).__name__}"] += 1
        self.waits[kind].append(time.monotonic() - start)

    async def listen(self, chance: random.Random) -> None:
        """Play recordings from random positions, seeking from time to time."""
        await asyncio.sleep(chance.random())
        while time.monotonic() < self.end:
            path = f"/api/recordings/{chance.choice(self.identities)}"
            await self.get("transcript", f"{path}/transcript", offset=400 * chance.randrange(4), limit=400)
            await self.get("peaks", f"{path}/peaks", points=1000)
            try:
                await self._play(f"{path}/audio", chance)
            except httpx.HTTPError as error:
                self.errors[f"audio: {type(error).__name__}"] += 1

    async def _play(self, path: str, chance: random.Random) -> None:
        size = int((await self.client.head(path)).headers["content-length"])
        first = chance.randrange(size)
        start = time.monotonic()
        seek_at = start + chance.uniform(3, 10)
        async with self.client.stream("GET", path, headers={"range": f"bytes={first}-"}) as response:
            if response.status_code != 206:
                self.errors[f"audio: status {response.status_code}"] += 1
                return
            length = 0
            async for piece in response.aiter_bytes(16384):
                if not length:
                    self.waits["audio, first bytes"].append(time.monotonic() - start)
                length += len(piece)
                if time.monotonic() > min(seek_at, self.end):
                    break
                await asyncio.sleep(len(piece) / (self.rate * 8000))  # 64 kbit/s
            else:
                if length != size - first:
                    self.errors["audio: too short"] += 1
        self.bytes += length

    async def search(self, interval: float, chance: random.Random) -> None:
        """Start a search every ``interval`` seconds."""
        running: set[asyncio.Task[None]] = set()
        due = time.monotonic()
        while due < self.end:
            await asyncio.sleep(due - time.monotonic())
            due += interval
            words = " ".join(f"w{_letters(int(chance.paretovariate(0.3)) % VOCABULARY + 1)}" for _ in range(2))
            text = words if chance.random() < 0.7 else words.split()[0]
            task = asyncio.create_task(self.get("search", "/api/search", q=text, limit=50))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)

    async def monitor(self) -> None:
        """Ask for metrics and health every second."""
        while time.monotonic() < self.end:
            await self.get("metrics", "/metrics")
            await self.get("health", "/health")
            await asyncio.sleep(1)


async def run(url: str, arguments: argparse.Namespace) -> Load:
    """Run all listeners and searches."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client:
        response = (await client.get("/api/recordings", params={"limit": 1000})).json()
        identities = [recording["id"] for recording in response["recordings"]]
        start = time.monotonic()
        for identity in identities:
            await client.get(f"/api/recordings/{identity}/peaks")
        print(f"waveforms            {len(identities)} measured in {time.monotonic() - start:.1f} s, then cached")
        load = Load(client, identities, arguments.seconds, arguments.rate)
        listeners = [load.listen(random.Random(number)) for number in range(arguments.listeners)]
        searchers = [load.search(1 / arguments.queries, random.Random(-1))] if arguments.queries else []
        monitors = [] if arguments.quiet else [load.monitor()]
        await asyncio.gather(*listeners, *searchers, *monitors)
        metrics = (await client.get("/metrics")).text
        counted = re.search(r'^audiosearch_searches_total\{mode="auto"\} (\S+)', metrics, re.MULTILINE)
        if counted and float(counted[1]) != len(load.waits["search"]):
            load.errors[f"metrics: {counted[1]} searches of {len(load.waits['search'])}"] += 1
        return load


def processor_seconds(process: int) -> float:
    """Processor time of a process; NaN if it is unknown."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Write the library, start the server, run the load and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=50)
    parser.add_argument("--queries", type=float, default=20, help="searches per second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=float, default=2, help="playback speed as a multiple of real time")
    parser.add_argument("--recordings", type=int, default=12)
    parser.add_argument("--minutes", type=float, default=3, help="duration of each recording")
    parser.add_argument("--quiet", action="store_true", help="without logs, metrics and health")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_library(folder, arguments.recordings, arguments.minutes)
        command = [sys.executable, "cli.py", "serve", "--port", "0", "--store", str(folder / "store.db")]
        command += [] if arguments.quiet else ["--log-level", "info", "--log-json"]
        log = folder / "log"
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
        with log.open("wb") as errors:
            server = subprocess.Popen(
                command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        try:
            assert server.stdout is not None
            match = re.search(r"http://\S+[0-9]", server.stdout.readline())
            assert match, "the server does not start"
            before = processor_seconds(server.pid)
            load = asyncio.run(run(match[0], arguments))
            used = processor_seconds(server.pid) - before
            memory = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8"))
        finally:
            server.terminate()
            server.wait()
        lines = log.read_text(encoding="utf-8").splitlines()
    for kind, waits in sorted(load.waits.items()):
        milliseconds = sorted(1000 * wait for wait in waits)
        p95, p99 = (milliseconds[int(len(milliseconds) * share)] for share in (0.95, 0.99))
        print(
            f"{kind:20} {len(waits):6} responses   median {statistics.median(milliseconds):7.1f} ms"
            f"   p95 {p95:7.1f} ms   p99 {p99:7.1f} ms"
        )
    logged = sum("indexer.server.access" in line for line in lines)
    print(f"log                  {logged} requests in {len(lines)} lines")
    print(f"audio                {load.bytes / 1e6:.1f} MB in {arguments.seconds:.0f} s")
    print(f"server               {used / arguments.seconds:.0%} of a processor", end="")
    print(f", at most {int(memory[1]) / 1000:.0f} MB" if memory else "")
    print(f"errors               {dict(load.errors) or 'none'}")
    return 1 if load.errors else 0


if __name__ == "__main__":
    sys.exit(main())
