"""``audiosearch correct``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cli
from audiosearch.types import Word
from indexer.index import open_index
from indexer.types import Recording

Run = Callable[..., Result]


@pytest.fixture
def run(
    tmp_path: Path, recording: Callable[..., Recording], spoken: Callable[..., list[Word]]
) -> Callable[..., Result]:
    """Runs the command with the recording /recordings/001.ogg: "say it and say that"."""
    store = str(tmp_path / "library.db")
    with open_index(store, create=True) as index:
        index.add(recording(1), spoken("say it and say that"))
        index.add(recording(2), spoken("say it"))

    def correct(*arguments: str) -> Result:
        return CliRunner().invoke(cli.main, ["correct", *arguments, "--store", store])

    return correct


TALK = "/recordings/001.ogg"


def test_correcting_listing_and_reverting(run: Run) -> None:
    done = run(TALK, "that", "What?")
    assert (done.exit_code, done.output) == (0, f"{TALK}: 1 correction.\n")
    assert run(TALK, "say", "said", "--at", "0:00.9").exit_code == 0
    assert run(TALK, "and", "").exit_code == 0
    listed = run(TALK, "--list").output.splitlines()
    assert [line.split() for line in listed[1:]] == [
        ["3", "0:00:00.5", "in", "place", "and", "(deleted)"],
        ["2", "0:00:00.8", "in", "place", "say", "said"],
        ["1", "0:00:01.0", "in", "place", "that", "what"],
    ]
    records = [json.loads(line) for line in run(TALK, "--list", "--json").output.splitlines()]
    assert [record["text"] for record in records] == ["", "said", "what"]
    assert run(TALK, "--revert", "2").output == f"{TALK}: 2 corrections.\n"
    assert run(TALK, "--revert", "all").output == f"{TALK}: 0 corrections.\n"
    assert run(TALK, "--list").output == "There are no corrections.\n"
    assert run(TALK, "--revert", "all").output == "Nothing was changed.\n"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ((TALK, "say", "said"), 1, '"say" is said 2 times, at 0:00:00.0, 0:00:00.8: give one as --at'),
        ((TALK, "nothing", "x"), 1, '"nothing" is not in the transcript'),
        ((TALK, "that", "狐"), 1, "狐 cannot be in a word of the index: use the letters a to z"),
        ((TALK, "", "x"), 1, "OLD is empty: give the words to correct"),
        ((TALK, "--revert", "7"), 1, "this recording has no correction 7"),
        (("/recordings", "that", "x"), 1, "/recordings: has 2 recordings, name one of them."),
        (("/nowhere", "that", "x"), 1, "/nowhere: there is no such file"),
        ((TALK, "--revert", "last"), 2, "--revert takes the number of a correction or all"),
        ((TALK, "that"), 2, "Give OLD and NEW, or --list, or --revert."),
        ((TALK,), 2, "Give OLD and NEW, or --list, or --revert."),
        ((TALK, "--list", "--at", "3"), 2, "--at is the time of OLD."),
        ((TALK, "that", "x", "--at", "noon"), 2, "is not a time: write it as 83.5, 1:23 or 1:02:03"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], status: int, message: str, run: Run) -> None:
    result = run(*arguments)
    assert result.exit_code == status
    assert message in result.stderr
