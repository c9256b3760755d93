"""The library and ``audiosearch index`` where threads matter: scripts without a guard, other threads, Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from audiosearch.errors import ModelError
from audiosearch.model_folder import find_model
from indexer.index import open_index

if TYPE_CHECKING:
    from tests.audiosearch.conftest import Whistler

REPOSITORY = Path(__file__).resolve().parents[2]
PODCASTS = REPOSITORY / "examples" / "podcasts"
SECONDS = 120
"""Time in which a script must end by itself; on an idle machine it takes five."""

TRANSCRIBE = """
import sys
from audiosearch import Recognizer
from audiosearch.config import DecoderConfig

def transcribe(folder=FOLDER):
    with Recognizer.load(MODEL, threads=2) as recognizer:
        texts = [transcript.text for transcript in recognizer.transcribe_all([folder + "/a.wav", folder + "/b.wav"])]
    sys.stdout.write(f"{texts}\\n")  # one write, since two threads may print
    sys.stdout.flush()
    return texts
"""

USES = {
    "as a script": "transcribe()",
    "in a daemon thread": """
import threading
thread = threading.Thread(target=transcribe, daemon=True)
thread.start()
thread.join()
""",
    "in a pool of threads": """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool:
    assert len(set(map(tuple, pool.map(transcribe, [FOLDER, FOLDER])))) == 1
""",
    "in a coroutine": """
import asyncio
asyncio.run(asyncio.to_thread(transcribe))
""",
    "stopped half-way": """
recognizer = Recognizer.load(MODEL, threads=2)
results = recognizer.transcribe_all([FOLDER + "/a.wav", FOLDER + "/b.wav"] * 20)
print([next(results).text, next(results).text])
""",
}


@pytest.fixture
def environment() -> dict[str, str]:
    """That of a user who has the packages."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY)}


@pytest.fixture
def whistles(whistler: Whistler, tmp_path: Path) -> Path:
    """A folder of two recordings of one word each."""
    whistler.write(tmp_path / "a.wav", "human")
    whistler.write(tmp_path / "b.wav", "things")
    return tmp_path


def run(arguments: list[str], environment: dict[str, str], **more: Any) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=SECONDS,
        check=False,
        **more,
    )


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("piped", [False, True], ids=["file", "standard input"])
def test_scripts_need_no_guard_and_end(
    use: str, piped: bool, whistles: Path, whistle_model: Path, environment: dict[str, str]
) -> None:
    if piped and use != "as a script":
        pytest.skip("one script by standard input is enough")
    script = whistles / "script.py"
    script.write_text(f"FOLDER = {str(whistles)!r}\nfrom pathlib import Path\nMODEL = Path({str(whistle_model)!r})\n")
    with script.open("a") as file:
        file.write(TRANSCRIBE + USES[use])
    with script.open() as file:
        done = run([] if piped else [str(script)], environment, stdin=file if piped else subprocess.DEVNULL)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.splitlines()) == {"['human', 'things']"}


def shipped_model() -> Path:
    try:
        return find_model(None)
    except ModelError:
        pytest.skip("no model is shipped with this tree")


@pytest.mark.slow
def test_the_example_of_the_readme_runs_as_a_script(tmp_path: Path, environment: dict[str, str]) -> None:
    shipped_model()
    (code,) = re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert "__main__" not in code
    episodes = tmp_path / "examples" / "podcasts"
    episodes.mkdir(parents=True)
    for name in ("bread.opus", "the-lighthouse.opus"):
        (episodes / name).write_bytes((PODCASTS / name).read_bytes())
    (tmp_path / "script.py").write_text(code)
    done = run(["script.py"], environment, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    with open_index(str(tmp_path / "talks.db")) as index:
        assert len(index.recordings()) == 2


INDEX = """
import sys
import cli
from audiosearch.acoustic.inference import Inference
from audiosearch.recognizer import Recognizer

def announce(owner, name):
    function = getattr(owner, name)
    plain = getattr(function, "__func__", function)
    def announced(*arguments, **options):
        if not announced.done:
            announced.done = True
            print("reached", file=sys.stderr, flush=True)
        return plain(*arguments, **options)
    announced.done = False
    setattr(owner, name, classmethod(announced) if plain is not function else announced)
"""

STAGES = {
    "loading": "announce(Recognizer, 'load')",
    "network": "announce(Inference, '_log_probs')",
    "decoding": "announce(Recognizer, '_decode_segment')",
    "end": "announce(Recognizer, '_result')",
}


@pytest.mark.parametrize("stage", STAGES)
def test_ctrl_c_ends_the_index_in_every_stage(
    stage: str, whistler: Whistler, whistle_model: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    recordings, store = tmp_path / "recordings", tmp_path / "store.db"
    recordings.mkdir()
    for name in ("one", "two"):
        whistler.write(recordings / f"{name}.wav", f"{name} human " + "saying things " * 200)
    arguments = ["index", str(recordings), "--store", str(store), "--model", str(whistle_model)]
    command = [sys.executable, "-c", f"{INDEX}\n{STAGES[stage]}\ncli.main()", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        seen = ""
        while "reached" not in seen:
            line = process.stderr.readline()
            assert line, seen
            seen += line
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        _, errors = process.communicate(timeout=30)
        assert time.monotonic() - start < 5
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "the same command continues" in errors or "Stopped by Ctrl-C" in errors
    again = subprocess.run(
        [sys.executable, "-c", f"{INDEX}\ncli.main()", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=SECONDS,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    with open_index(str(store)) as index:
        assert len(index.recordings()) == 2
