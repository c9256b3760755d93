"""From sound to hits, through the commands, each in a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import audiosearch.models

REPOSITORY = Path(__file__).resolve().parent.parent
SHIPPED = Path(audiosearch.models.__file__).parent / "english" / "model.safetensors"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def command(*arguments: str | Path, status: int = 0) -> str:
    """Standard output of a command that must end with ``status``."""
    done = subprocess.run(
        [sys.executable, "-c", "import cli; cli.main()", *map(str, arguments)],
        cwd=REPOSITORY,
        env={**os.environ, **ONE_THREAD},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def hits(*arguments: str | Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in command("query", *arguments, "--json").splitlines()]


@pytest.mark.slow
def test_train_index_and_query_speech_of_tones(tones: Any, tone_corpora: tuple[Path, Path], tmp_path: Path) -> None:
    train, valid = tone_corpora
    recipe = REPOSITORY / "configs" / "tiny.yaml"
    model = command(
        "train", recipe, "--train", train, "--valid", valid, "--output", tmp_path / "run", "--set", "trainer.epochs=25"
    ).strip()
    assert Path(model) == tmp_path / "run" / "best.safetensors"

    folder, store = tmp_path / "talks", tmp_path / "store.db"
    (folder / "sun").mkdir(parents=True)
    parts = ("this man a hat", "i am a human saying human things", "at this sun")
    pause = (np.random.default_rng(1).standard_normal(tones.sample_rate) * 1e-3).astype(np.float32)
    spoken = [tones.say(part) for part in parts]
    soundfile.write(
        folder / "long.flac", np.concatenate([spoken[0], pause, spoken[1], pause, spoken[2]]), tones.sample_rate
    )
    soundfile.write(folder / "sun" / "short.wav", tones.say("mist sun"), tones.sample_rate)
    (folder / "notes.txt").write_text("human things are only written here")

    command("index", folder, "--store", store, "--model", model)
    (hit,) = hits("Human things", "--store", store)
    assert hit["path"] == str(folder / "long.flac")
    # a letter lasts 80 ms, and as long a silence comes first
    begin = (len(spoken[0]) + len(pause)) / tones.sample_rate + 0.08
    assert hit["start"] == pytest.approx(begin + 0.08 * parts[1].index("human things"), abs=0.1)
    assert hit["end"] == pytest.approx(begin + 0.08 * len(parts[1]), abs=0.1)
    expected = {"text": "human things", "before": "man a hat i am a human saying", "after": "at this sun"}
    assert {key: hit[key] for key in expected} == expected
    assert [Path(hit["path"]).name for hit in hits("mi* sun", "--store", store)] == ["short.wav"]
    # across the pause
    assert len(hits("things at", "--store", store)) == 1

    (folder / "long.flac").rename(folder / "renamed")
    assert command("index", folder, "--store", store, "--model", model) == "1 unchanged, 1 moved or copied.\n"
    (hit,) = hits("human things", "--store", store)
    assert hit["path"] == str(folder / "renamed")


@pytest.mark.slow
@pytest.mark.skipif(not SHIPPED.exists(), reason="no model is shipped with this tree")
def test_search_in_the_example_podcasts(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    command("index", REPOSITORY / "examples" / "podcasts", "--store", store)
    assert Path(hits("human things", "--store", store)[0]["path"]).name == "machines-that-listen.opus"


@pytest.mark.slow
@pytest.mark.skipif(not SHIPPED.exists(), reason="no model is shipped with this tree")
def test_readme_script_runs_unchanged(tmp_path: Path) -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", readme, flags=re.DOTALL | re.MULTILINE)
    (tmp_path / "script.py").write_text(code)
    podcasts = tmp_path / "examples" / "podcasts"
    podcasts.mkdir(parents=True)
    shutil.copy(REPOSITORY / "examples" / "podcasts" / "machines-that-listen.opus", podcasts)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    path, start, *words, confidence = line.removeprefix(f"{podcasts}/").split()
    assert (path, words) == ("machines-that-listen.opus", ["human", "things"])
    assert float(start) == pytest.approx(43.9, abs=0.5)
    assert 0.5 < float(confidence) <= 1
