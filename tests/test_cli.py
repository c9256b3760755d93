"""The command line: standard output, standard error and exit status of the commands of the index."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import wave
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from transcribers import FakeTranscriber

import cli
from audiosearch.errors import AudioError, ConfigError, QueryError, TrainingError
from audiosearch.types import Transcript, Word
from indexer.console.format import clock, length, rows, shown
from indexer.index import open_index
from indexer.types import Location, Recording

TEXT = "there it is i am a human saying human things and there it ends as it began"
SENTENCE = TEXT.split()


def run(*arguments: str | Path) -> Result:
    """Run ``audiosearch`` in this process."""
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def audiosearch(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run ``audiosearch`` in its own process."""
    command = [sys.executable, "-c", "import cli; cli.main()", *map(str, arguments)]
    return subprocess.run(command, cwd=Path(cli.__file__).parent, capture_output=True, text=True, check=False)


def words(confidence: float = 0.9) -> tuple[Word, ...]:
    """Words of SENTENCE from second 60 on, half a second each."""
    return tuple(Word(text, 60 + n / 2, 60.4 + n / 2, confidence) for n, text in enumerate(SENTENCE))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """An index of two recordings, one of them with a copy."""
    path = tmp_path / "store.db"
    with open_index(str(path), create=True) as index:
        for identity, names, confidence in (("a1b2c3d4", ["one.opus"], 0.9), ("e5f6a7b8", ["b.mp3", "c.mp3"], 0.5)):
            locations = tuple(Location(str(tmp_path / "talks" / name), 1, 1) for name in names)
            index.add(
                Recording(identity * 4, locations, 3723.4, "model", "2024-05-06T07:08:09+00:00"), words(confidence)
            )
    return path


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], Result]:
    """Run a command that raises this error."""

    def invoke(error: BaseException) -> Result:
        @click.command()
        def failing() -> None:
            raise error

        monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *arguments: failing)
        return run("anything")

    return invoke


class TestGroup:
    """Behavior that all commands share."""

    def test_errors_caused_by_users_are_sentences(self, command: Callable[[BaseException], Result]) -> None:
        result = command(QueryError("the query is empty."))
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == "Error: the query is empty.\n"

    def test_names_of_users_do_not_reach_the_terminal_as_they_are(
        self, command: Callable[[BaseException], Result]
    ) -> None:
        for error in (
            ConfigError("a\x1b[2J\nb: is no setting."),
            TrainingError("a\x1b[2J\nb: is no setting."),
            click.ClickException("a\x1b[2J\nb: is no setting."),
        ):
            assert command(error).stderr == "Error: a\\x1b[2J\\nb: is no setting.\n"
        assert command(TrainingError("no data.", "Make\n  one")).stderr == "Error: no data.\nMake\n  one\n"

    def test_libraries_add_nothing_to_a_sentence(self) -> None:
        result = audiosearch("list", "--store", "http://127.0.0.1:9/library")
        assert result.returncode == 1
        assert result.stderr == (
            "Error: http://127.0.0.1:9/library cannot be reached: is the server running, and the URL right?\n"
        )

    def test_options_that_do_not_exist_are_named_on_one_line(self) -> None:
        for arguments in (["--a\x1b\n"], ["list", "--a\x1b\n"]):
            assert "--a\\x1b\\n" in run(*arguments).stderr.splitlines()[-1]

    def test_a_terminal_without_unicode_gets_a_sentence(self, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
        result = audiosearch("query", "human things", "--store", store)
        assert result.returncode == 2
        assert result.stdout == ""
        assert result.stderr == (
            "Error: the output cannot be written in latin-1: set a locale with UTF-8, or PYTHONUTF8=1.\n"
        )
        assert audiosearch("list", "--store", store).returncode == 0

    def test_errors_of_file_systems_are_sentences(self, command: Callable[[BaseException], Result]) -> None:
        for number in (errno.EACCES, errno.ENAMETOOLONG, errno.ENOSPC, errno.EROFS):
            result = command(OSError(number, os.strerror(number), "a\nb"))
            assert result.stderr == f"Error: a\\nb: cannot be read or written ({os.strerror(number)}).\n"
        full = command(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        assert full.stderr == "Error: a file cannot be read or written: No space left on device.\n"
        assert isinstance(command(PermissionError(errno.EPERM, "of a process")).exception, PermissionError)
        assert isinstance(command(FileNotFoundError(errno.ENOENT, "no file", "a")).exception, FileNotFoundError)

    def test_other_errors_keep_their_traceback(self, command: Callable[[BaseException], Result]) -> None:
        result = command(ZeroDivisionError("bug"))
        assert isinstance(result.exception, ZeroDivisionError)

    def test_interrupted(self, command: Callable[[BaseException], Result]) -> None:
        result = command(KeyboardInterrupt())
        assert result.exit_code == 130
        assert result.stderr == "\nStopped by Ctrl-C.\n"

    def test_unknown_commands_and_help(self) -> None:
        assert "No such command 'serach'" in run("serach").stderr
        assert run("serach").exit_code == 2
        assert "index" in run("--help").stdout

    def test_version(self) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            expected = version("audiosearch")
        except PackageNotFoundError:
            pytest.skip("audiosearch is not installed")
        assert run("--version").stdout == f"audiosearch, version {expected}\n"

    def test_a_closed_pipe_is_no_error(self, store: Path) -> None:
        with open_index(str(store), create=False) as index:
            (recording, _) = index.recordings()
            locations = [Location(f"{recording.path}-{n}", 1, 1) for n in range(20_000)]
            index.relocate(recording.id, locations)
        process = subprocess.Popen(
            [sys.executable, "-c", "import cli; cli.main()", "list", "--store", store],
            cwd=Path(cli.__file__).parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        with process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 1


class TestQuery:
    """``audiosearch query``"""

    def test_json_lines(self, store: Path) -> None:
        result = run("query", "Human Things!", "--store", store, "--json")
        assert result.exit_code == 0
        first, second = map(json.loads, result.stdout.splitlines())
        assert first == {
            "id": "a1b2c3d4" * 4,
            "way": "words",
            "variant": False,
            "path": str(store.parent / "talks" / "one.opus"),
            "start": 64.0,
            "end": 64.9,
            "confidence": 0.9,
            "text": "human things",
            "before": "there it is i am a human saying",
            "after": "and there it ends as it began",
            "words": [
                {"text": "human", "start": 64.0, "end": 64.4, "confidence": 0.9},
                {"text": "things", "start": 64.5, "end": 64.9, "confidence": 0.9},
            ],
        }
        assert second["confidence"] == 0.5
        assert result.stderr == ""

    def test_lines_in_a_pipe_are_not_truncated(self, store: Path) -> None:
        result = run("query", "human things", "--store", store)
        header, first, second = result.stdout.splitlines()
        assert header.split() == ["file", "start–end", "confidence", "words"]
        assert first.startswith(str(store.parent / "talks" / "one.opus"))
        assert "  0:01:04.0–0:01:04.9  90%         there it is i am a human saying «human things» and" in first
        assert first.index("«") == second.index("«")

    @pytest.mark.parametrize("columns", [40, 160])
    def test_tables_on_a_terminal_are_not_truncated(
        self, store: Path, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from indexer.console.hit_table import draw
        from indexer.search.parse import parse

        monkeypatch.setenv("COLUMNS", str(columns))
        with open_index(str(store), create=False) as index:
            draw(index.search(parse(["human things"]).query, 9).hits)
        output = capsys.readouterr().out
        letters = "".join(output.split())
        assert "0:01:04.0–0:01:04.9" in letters
        assert all(word in output for word in SENTENCE)
        assert "…" not in output
        if columns == 160:
            assert max(map(len, output.splitlines())) <= columns
        else:
            assert f"{store.parent}/talks/one.opus" in output

    @pytest.mark.parametrize("columns", [0, 40, 160])
    def test_the_voice_of_a_hit_is_shown(
        self, tmp_path: Path, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from indexer.console.hit_table import draw, write_hits
        from indexer.search.parse import parse

        monkeypatch.setenv("COLUMNS", str(columns or 80))
        location = Location("/talks/call.wav", 1, 1)
        recording = Recording("ab" * 16, (location,), 100.0, "model", "2024-05-06T07:08:09+00:00")
        spoken = [replace(word, voice="left") for word in words()]
        with open_index(str(tmp_path / "call.db"), create=True) as index:
            index.add(recording, spoken)
            hits = index.search(parse(["human things"]).query, 9).hits
        draw(hits) if columns else write_hits(hits, as_json=False)
        output = capsys.readouterr().out
        assert "left" in output
        assert ("voice" in output) == (columns != 40)

    def test_explanations_of_an_empty_result(self, store: Path) -> None:
        result = run("query", "humen things", "--store", store)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == 'No hits for "humen things"; did you mean human for "humen"?\n'
        assert "xylophone" in run("query", "xylophone", "--store", store).stderr
        assert "--slop" in run("query", "things human", "--store", store).stderr

    def test_limit_and_slop(self, store: Path) -> None:
        result = run("query", "am human", "--slop", "1", "--limit", "1", "--store", store)
        assert "«am a human»" in result.stdout
        assert len(result.stdout.splitlines()) == 2
        assert "raise --limit" in result.stderr

    def test_pages(self, store: Path) -> None:
        first = run("query", "human", "--limit", "3", "--store", store, "--json")
        *_, option, cursor = first.stderr.split()
        assert option == "--after"
        second = run("query", "human", "--limit", "3", "--store", store, "--json", "--after", cursor)
        assert second.stderr == ""
        whole = run("query", "human", "--store", store, "--json")
        assert first.stdout + second.stdout == whole.stdout
        assert len(whole.stdout.splitlines()) == 4
        assert run("remove", store.parent / "talks", "--store", store).exit_code == 0
        third = run("query", "human", "--store", store, "--after", cursor)
        assert (third.exit_code, third.stdout, third.stderr) == (1, "", "There are no more hits.\n")
        assert "is not a cursor" in run("query", "human", "--store", store, "--after", "x").stderr

    def test_pages_by_number(self, store: Path) -> None:
        def page(number: int) -> Result:
            return run("query", "human", "--limit", "3", "--page", str(number), "--store", store)

        first, second, third = map(page, (1, 2, 3))
        assert first.stderr.endswith("or continue with --page 2\n")
        assert (second.exit_code, second.stderr) == (0, "")
        assert len((first.stdout + second.stdout).splitlines()) == 4 + 2  # with headers
        assert (third.exit_code, third.stdout, third.stderr) == (1, "", "There are no more hits.\n")
        assert "exclude each other" in run("query", "a", "--page", "2", "--after", "x", "--store", store).stderr

    def test_conditions(self, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def starts(*arguments: str) -> list[float]:
            result = run("query", "human", "--path", "talks/o*", *arguments, "--store", store, "--json")
            assert result.exit_code == (0 if result.stdout else 1)
            return [json.loads(line)["start"] for line in result.stdout.splitlines()]

        monkeypatch.chdir(store.parent)
        assert starts() == [63.0, 64.0]
        assert starts("--and", "Am!", "--and", "i am") == [63.0, 64.0]
        assert starts("--and", "am", "--within", "0.2") == []
        assert starts("--and", "am", "--within", "1") == [63.0]
        assert starts("--not", "am", "--within", "1") == [64.0]
        assert starts("--not", "am") == []
        assert starts("--since", "1970-01-01", "--until", "1970-01-01T00:00:01Z", "--order", "time") == [63.0, 64.0]
        assert starts("--since", "2024-05-31") == []
        notes = run("query", "human", "--and", "2nd", "--not", "1st", "--store", store).stderr
        assert notes.startswith('"2nd" is read as "second".\n"1st" is read as "first".\nNo hits')
        for option in ("--and", "--not", "--path", "--since"):
            value = {"--and": "am began", "--not": "am", "--path": "*", "--since": "2024-05-31"}[option]
            unmet = run("query", "human", option, value, "--store", store).stderr
            assert unmet == f'No hits for "human" with {option}.\n'
        for wrong in (["--within", "5"], ["--counts", "--after", "x"], ["--order", "size"]):
            assert run("query", "human", *wrong, "--store", store).exit_code == 2
        wrong_date = run("query", "human", "--since", "yesterday", "--store", store)
        assert (wrong_date.exit_code, wrong_date.stderr[:32]) == (2, 'Error: "yesterday" is not a date')

    def test_query_language(self, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def starts(*arguments: str) -> list[float]:
            result = run("query", *arguments, "--store", store, "--json")
            assert result.exit_code == (0 if result.stdout else 1), result.stderr
            return [json.loads(line)["start"] for line in result.stdout.splitlines()]

        monkeypatch.chdir(store.parent)
        assert starts("human path:talks/o*") == starts("human", "path:talks/o*") == [63.0, 64.0]
        assert starts('human "am" within:1', "--path", "talks/o*") == [63.0]
        assert starts('human "am"', "--within", "1", "--path", "talks/o*") == [63.0]
        assert starts("human -am within:0:01 path:talks/o*") == [64.0]
        assert starts("human path:talks/o* since:2024") == []
        for text, condition in (
            ('human "am began"', "all of its phrases"), ("human -am", "-word"), ("human path:*", "path:"),
            ("human since:2024", "since:"), ("human voice:left", "voice:"),
        ):  # fmt: skip
            unmet = run("query", text, "--store", store).stderr
            assert unmet == f'No hits for "human" with {condition}.\n'
        assert run("query", "human foo:bar", "--store", store).stderr.startswith("foo: is no operator")
        for wrong, message in (
            ("human within:soon", "within:soon is no distance"), ("human since:soon", 'since: "soon" is not a date'),
            ("path:talks", "conditions only"),
        ):  # fmt: skip
            result = run("query", wrong, "--store", store)
            assert (result.exit_code, result.stdout) == (2, "")
            assert message in result.stderr
        conflict = run("query", 'human "am" within:1', "--within", "2", "--store", store)
        assert "the distance is given twice" in conflict.stderr

    def test_counts(self, store: Path) -> None:
        (first, second) = run("query", "human", "am human", "--counts", "--store", store, "--json").stdout.splitlines()
        assert json.loads(first) == {"path": str(store.parent / "talks" / "b.mp3"), "hits": 2, "duration": 3723.4}
        assert json.loads(second)["path"].endswith("one.opus")
        result = run("query", "human", "--counts", "--limit", "1", "--store", store)
        assert [line.split() for line in result.stdout.splitlines()] == [
            ["hits", "duration", "file"],
            ["2", "1:02:03.4", str(store.parent / "talks" / "b.mp3")],
        ]
        assert result.stderr == "1 of 2 recordings; --limit shows more.\n"
        assert run("query", "nothing", "--counts", "--store", store).exit_code == 1

    def test_minimum_confidence(self, store: Path) -> None:
        lines = run("query", "human", "--store", store, "--json").stdout.splitlines()
        expected = [line for line in lines if json.loads(line)["confidence"] >= 0.6]
        assert 0 < len(expected) < len(lines)
        for order in ("confidence", "time"):
            result = run("query", "human", "--confidence", "0.6", "--order", order, "--store", store, "--json")
            assert sorted(result.stdout.splitlines()) == sorted(expected)
        first = run("query", "human", "--confidence", "0.6", "--limit", "1", "--store", store, "--json")
        assert first.stdout.splitlines() == expected[:1]
        none = run("query", "human", "--confidence", "0.99", "--store", store)
        assert (none.exit_code, none.stdout) == (1, "")
        assert none.stderr == 'No hits for "human" of this confidence; lower --confidence.\n'
        assert run("query", "human", "--confidence", "2", "--store", store).exit_code == 2
        assert run("query", "human", "--confidence", "0.5", "--counts", "--store", store).exit_code == 2

    def test_notes_on_normalized_texts(self, store: Path) -> None:
        assert "is read as" in run("query", "Human & things", "--store", store).stderr

    def test_other_spellings_are_listed(self, store: Path) -> None:
        result = run("query", "hu man", "--not", "747", "--store", store, "--json")
        assert {json.loads(line)["text"] for line in result.stdout.splitlines()} == {"human"}
        assert 'Also looked for "seven hundred forty seven", "seven forty seven"' in result.stderr
        assert '"human"' in result.stderr
        counted = run("query", "hu man", "--counts", "--store", store)
        assert counted.stdout.splitlines()[1].startswith("2 ")
        assert counted.stderr == 'Also looked for "human".\n'

    def test_invalid_queries(self, store: Path) -> None:
        assert run("query", "--store", store).exit_code == 2
        for text in ("", "?!", " ".join(["word"] * 1000)):
            result = run("query", text, "--store", store)
            assert result.exit_code == 2
            assert result.stderr.startswith("Error: ")

    def test_an_empty_index(self, tmp_path: Path) -> None:
        open_index(str(tmp_path / "empty.db"), create=True).close()
        result = run("query", "word", "--store", tmp_path / "empty.db")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == "No hits, as the index is empty: run `audiosearch index FOLDER` first.\n"

    def test_no_index_yet(self, tmp_path: Path) -> None:
        result = run("query", "word", "--store", tmp_path / "none.db")
        assert result.exit_code == 2
        assert "audiosearch index" in result.stderr
        assert list(tmp_path.iterdir()) == []


class Speller(FakeTranscriber):
    """Transcribes every recording as one sentence."""

    def __init__(self, model: Path | None, *, hotwords: Sequence[str] = (), sound: bool = True, **_: object) -> None:
        self.fingerprint = "-".join(["speller", *hotwords, *([] if sound else ["silent"])])

    def __enter__(self) -> Speller:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def transcribe(self, path: Path) -> Transcript:
        if "broken" in path.name:
            raise AudioError(f"{path}: is broken.")
        return Transcript(str(path), 61.0, words())


@pytest.fixture
def talks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two recordings, and a recognizer that needs no model."""
    monkeypatch.setattr("indexer.console.lazy_recognizer.LazyRecognizer", Speller)
    monkeypatch.setenv("AUDIOSEARCH_MODEL", str(tmp_path))
    folder = tmp_path / "talks"
    folder.mkdir()
    for name in ("one", "two"):
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(name.encode() * 1000)
    return folder


class TestIndex:
    """``audiosearch index``"""

    def test_hotwords_change_the_fingerprint(self, talks: Path, tmp_path: Path) -> None:
        store, names = tmp_path / "store.db", tmp_path / "names.txt"
        names.write_text("Zeus # a god\n")
        assert run("index", talks, "--store", store, "--hotwords", names, "--no-sound").exit_code == 0
        with open_index(str(store), create=False) as index:
            assert {recording.model for recording in index.recordings()} == {"speller-zeus-silent"}
        names.write_text("# none\n")
        wrong = run("index", talks, "--store", store, "--hotwords", names)
        assert (wrong.exit_code, wrong.stdout) == (1, "")
        assert "holds no hot words" in wrong.stderr

    def test_a_folder_is_kept_up_to_date(self, talks: Path, tmp_path: Path) -> None:
        store = tmp_path / "deep" / "store.db"
        first = run("index", talks, "--store", store)
        assert first.exit_code == 0
        assert first.stdout.startswith("2 recordings indexed (2 min of audio in ")
        assert f"{talks}/one.wav: {len(SENTENCE)} words\n" in first.stderr
        (talks / "one.wav").rename(talks / "three.wav")
        second = run("index", talks, "--store", store)
        assert second.stdout == "1 unchanged, 1 moved or copied.\n"
        assert second.stderr == f"{talks}/three.wav: was {talks}/one.wav\n"
        (talks / "two.wav").unlink()
        third = run("index", talks, "--store", store)
        assert third.stdout == "1 unchanged. 1 recording without files; --prune removes them.\n"
        assert run("index", talks, "--store", store, "--prune").stdout == "1 unchanged, 1 removed.\n"

    def test_unusable_files_are_reported_and_skipped(self, talks: Path, tmp_path: Path) -> None:
        (talks / "one.wav").rename(talks / "broken.wav")
        (talks / "text.wav").write_text("this is text")
        result = run("index", talks, tmp_path / "missing", "--store", tmp_path / "store.db")
        assert result.exit_code == 1
        assert result.stdout.startswith("1 recording indexed")
        assert result.stdout.endswith("3 failed.\n")
        assert all(
            f"{path}: " in result.stderr for path in (talks / "broken.wav", talks / "text.wav", tmp_path / "missing")
        )

    def test_unreadable_files_are_told_once_until_they_change(self, talks: Path, tmp_path: Path) -> None:
        store = tmp_path / "store.db"
        (talks / "one.wav").rename(talks / "broken.wav")
        (talks / "copy-broken.wav").write_bytes((talks / "broken.wav").read_bytes())
        text = talks / "text.wav"
        text.write_text("this is text")
        first = run("index", talks, "--skip-unreadable", "--store", store)
        assert first.exit_code == 0
        assert first.stderr.count("broken.wav: is broken.") == 1
        assert f"{text}: is not audio" in first.stderr
        second = run("index", talks, "--skip-unreadable", "--store", store)
        assert second.exit_code == 0
        assert second.stdout == "1 unchanged. 3 unreadable files skipped until they change.\n"
        assert second.stderr == ""
        text.write_text("this is other text")
        third = run("index", talks, "--skip-unreadable", "--store", store)
        assert (third.exit_code, third.stderr.count(f"{text}: ")) == (0, 1)
        assert third.stdout == "1 unchanged, 1 failed. 2 unreadable files skipped until they change.\n"
        quiet = run("index", talks, "--skip-unreadable", "--quiet", "--store", store)
        assert (quiet.exit_code, quiet.output) == (0, "")
        assert run("index", talks, "--store", store).exit_code == 1  # without the option each is tried
        missing = run("index", talks, tmp_path / "missing", "--skip-unreadable", "--store", store)
        assert missing.exit_code == 1
        other = run("index", talks, "--skip-unreadable", "--store", tmp_path / "other.db")
        assert "is broken" in other.stderr

    def test_a_file_that_becomes_readable_is_indexed(self, talks: Path, tmp_path: Path) -> None:
        store, path = tmp_path / "store.db", talks / "later.wav"
        path.write_text("this is text")
        assert run("index", talks, "--skip-unreadable", "--store", store).exit_code == 0
        path.write_bytes((talks / "one.wav").read_bytes() + b"LIST\x04\0\0\0abcd")
        result = run("index", talks, "--skip-unreadable", "--store", store)
        assert result.stdout.startswith("1 recording indexed")

    def test_a_dry_run_lists_what_would_happen_and_changes_nothing(self, talks: Path, tmp_path: Path) -> None:
        store = tmp_path / "store.db"
        new = run("index", talks, "--dry-run", "--store", store)
        assert (new.exit_code, new.stderr) == (0, "")
        assert new.stdout.splitlines()[0] == f"{talks}/one.wav: to transcribe, 0 s"
        assert new.stdout.splitlines()[-1].startswith("Dry run, nothing was changed: 2 recordings to transcribe (")
        assert not store.exists()
        run("index", talks, "--store", store)
        before = store.read_bytes()
        (talks / "one.wav").rename(talks / "moved.wav")
        (talks / "two.wav").unlink()
        (talks / "broken.mp3").write_text("this is text")
        (talks / "new").write_bytes((talks / "moved.wav").read_bytes() + b"LIST\x04\0\0\0abcd")
        result = run("index", talks, "--dry-run", "--prune", "--store", store)
        assert result.exit_code == 1
        assert result.stdout.splitlines() == [
            f"{talks}/moved.wav: was {talks}/one.wav",
            f"{talks}/new: to transcribe, 0 s",
            f"{talks}/two.wav: removed",
            "Dry run, nothing was changed: 1 recording to transcribe (0 s), 1 moved or copied, 1 removed, 1 failed.",
        ]
        assert "broken.mp3" in result.stderr
        assert store.read_bytes() == before
        lines = run("index", talks, "--dry-run", "--json", "--store", store).stdout.splitlines()
        events = [json.loads(text) for text in lines]
        assert [event["event"] for event in events] == ["failed", "relocated", "planned", "finished"]
        assert (events[-1]["dry_run"], events[-1]["planned"], events[-1]["gone"]) == (True, 1, 1)

    def test_a_dry_run_lists_recordings_to_replace_and_to_renew(self, talks: Path, tmp_path: Path) -> None:
        store, names = tmp_path / "store.db", tmp_path / "names.txt"
        names.write_text("Zeus\n")
        run("index", talks, "--store", store)
        (talks / "two.wav").write_bytes((talks / "one.wav").read_bytes() + b"LIST\x04\0\0\0abcd")
        result = run("index", talks, "--dry-run", "--again", "--hotwords", names, "--store", store)
        assert result.stdout.splitlines()[:3] == [
            f"{talks}/one.wav: to transcribe again, 61 s",
            f"{talks}/two.wav: to transcribe, 0 s",
            f"{talks}/two.wav: replaced",
        ]

    def test_an_ignore_file_leaves_out_folders(self, talks: Path, tmp_path: Path) -> None:
        (talks / "drafts").mkdir()
        (talks / "two.wav").rename(talks / "drafts" / "two.wav")
        (talks / ".audiosearchignore").write_text("drafts/\n")
        assert run("index", talks, "--store", tmp_path / "store.db").stdout.startswith("1 recording indexed")
        (talks / ".audiosearchignore").unlink()
        excluded = run("index", talks, "--exclude", "drafts", "--store", tmp_path / "store.db")
        assert excluded.stdout == "1 unchanged.\n"
        assert run("index", talks, "--store", tmp_path / "store.db").stdout.startswith("1 recording indexed")

    @pytest.mark.parametrize("options", [(), ("--quiet",)])
    def test_quiet_watching_prints_errors_only(
        self, options: tuple[str, ...], talks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (talks / "broken.wav").write_text("this is text")
        for path in talks.iterdir():
            os.utime(path, (1, 1))
        monkeypatch.setattr("indexer.ingest.watch.changes", lambda paths, poll: iter([set()]))
        result = run("watch", talks, "--store", tmp_path / "store.db", *options)
        assert result.exit_code == 0
        assert result.stderr.count("broken.wav: ") == 1
        assert (result.stderr.count("\n") > 1) == (result.stdout != "") == (not options)

    def test_json_lines(self, talks: Path, tmp_path: Path) -> None:
        (talks / "two.wav").rename(talks / "broken.wav")
        result = run("index", talks, "--store", tmp_path / "store.db", "--json")
        failed, indexed, finished = map(json.loads, result.stdout.splitlines())
        assert (failed["event"], failed["path"]) == ("failed", str(talks / "broken.wav"))
        assert (indexed["event"], indexed["path"]) == ("indexed", str(talks / "one.wav"))
        assert finished["event"] == "finished"
        assert (finished["indexed"], finished["failed"], finished["audio_seconds"]) == (1, 1, 61.0)

    def test_interrupted(self, talks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        store = tmp_path / "store.db"

        def interrupt(self: Speller, path: Path) -> Transcript:
            if path.name == "two.wav":
                raise KeyboardInterrupt
            return Transcript(str(path), 61.0, words())

        with monkeypatch.context() as patch:
            patch.setattr(Speller, "transcribe", interrupt)
            result = run("index", talks, "--store", store)
        assert result.exit_code == 130
        assert "the same command continues" in result.stderr
        assert run("index", talks, "--store", store).stdout.startswith("1 recording indexed")

    def test_no_recordings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AUDIOSEARCH_MODEL", str(tmp_path))
        (tmp_path / "notes.txt").write_text("no sound")
        result = run("index", tmp_path / "notes.txt", tmp_path, "--store", tmp_path / "store")
        assert result.exit_code == 1
        (tmp_path / "empty").mkdir()
        result = run("index", tmp_path / "empty", "--store", tmp_path / "store")
        assert (result.exit_code, result.stdout) == (0, "No recordings found: there are no files.\n")

    def test_a_store_that_cannot_be_written(self, talks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Speller, "transcribe", lambda *arguments: pytest.fail("the store is checked first"))
        store = tmp_path / "store.db"
        run("index", tmp_path / "missing", "--store", store)
        monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
        result = run("index", talks, "--store", store)
        assert result.exit_code == 1
        assert f"{store}: cannot be written" in result.stderr

    def test_a_missing_model(self, talks: Path, tmp_path: Path) -> None:
        result = run("index", talks, "--store", tmp_path / "store.db", "--model", tmp_path / "none")
        assert result.exit_code == 1
        assert "there is no such model" in result.stderr
        assert not (tmp_path / "store.db").exists()


class TestLibrary:
    """``audiosearch list``, ``remove`` and ``info``"""

    def test_list(self, store: Path) -> None:
        lines = run("list", "--store", store).stdout.splitlines()
        assert [line.split() for line in lines[1:]] == [
            ["e5f6a7b8e5f6", "1:02:03.4", "2024-05-06", f"{store.parent}/talks/b.mp3"],
            [f"{store.parent}/talks/c.mp3"],
            ["a1b2c3d4a1b2", "1:02:03.4", "2024-05-06", f"{store.parent}/talks/one.opus"],
        ]
        first, _ = map(json.loads, run("list", "--store", store, "--json").stdout.splitlines())
        assert first["paths"] == [f"{store.parent}/talks/b.mp3", f"{store.parent}/talks/c.mp3"]

    def test_list_in_an_order_of_globs_and_words(self, store: Path) -> None:
        def listed(*arguments: str) -> list[str]:
            lines = run("list", *arguments, "--json", "--store", store).stdout.splitlines()
            return [Path(json.loads(line)["path"]).name for line in lines]

        both = listed()
        assert listed("--reverse") == both[::-1]
        assert listed("--limit", "1") == both[:1]
        assert listed("--sort", "title", "--reverse") == ["one.opus", "b.mp3"]
        assert listed(f"{store.parent}/**/*.opus") == ["one.opus"]
        assert listed("ONE") == ["one.opus"]
        assert "1 of 2 recordings; --limit shows more." in run("list", "--limit", "1", "--store", store).stderr

    def test_list_of_files_folders_and_ids(self, store: Path) -> None:
        def listed(*names: str | Path) -> list[str]:
            lines = run("list", *names, "--json", "--store", store).stdout.splitlines()
            return [Path(json.loads(line)["paths"][0]).name for line in lines]

        assert listed(store.parent / "talks" / "one.opus") == ["one.opus"]
        assert listed("a1b2c3d4", store.parent / "talks") == ["one.opus", "b.mp3"]
        assert "there is no such file" in run("list", "nonsense", "--store", store).stderr

    def test_names_are_found_in_any_normalization(self, store: Path) -> None:
        composed, decomposed = "Zo\u00eb.mp3", "Zoe\u0308.mp3"
        names = {"0": f"old/{composed}", "1": f"old/{decomposed}", "2": decomposed}
        with open_index(str(store), create=True) as index:
            for identity, name in names.items():
                location = Location(str(store.parent / name), 1, 1)
                index.add(Recording(identity * 32, (location,), 9.0, "model", "2024-05-06T07:08:09+00:00"), words())
        for command in (["list", "--json"], ["export", "--format", "json"]):
            lines = run(*command, store.parent / composed, "--store", store).stdout.splitlines()
            assert [json.loads(line)["id"] for line in lines] == ["2" * 32]
        hits = run("query", "human things", "--path", store.parent / composed, "--json", "--store", store)
        assert json.loads(hits.stdout)["path"] == str(store.parent / decomposed)
        assert run("remove", store.parent / "old" / decomposed, "--store", store).stdout == "1 recording removed.\n"
        assert run("remove", store.parent / composed, "--store", store).stdout == "1 recording removed.\n"
        (kept,) = run("list", store.parent / "old", "--json", "--store", store).stdout.splitlines()
        assert json.loads(kept)["id"] == "0" * 32

    def test_remove_by_path_folder_and_id(self, store: Path) -> None:
        def remaining() -> list[str]:
            lines = run("list", "--store", store, "--json").stdout.splitlines()
            return [Path(path).name for line in lines for path in json.loads(line)["paths"]]

        result = run("remove", store.parent / "talks" / "b.mp3", "--store", store)
        assert result.stdout == "0 recordings removed.\n"
        assert "is a copy and stays" in result.stderr
        assert remaining() == ["c.mp3", "one.opus"]
        assert run("remove", "a1b2c3d4a1b2", "--store", store).stdout == "1 recording removed.\n"
        assert remaining() == ["c.mp3"]
        assert run("remove", store.parent / "talks", "--store", store).stdout == "1 recording removed.\n"
        assert remaining() == []
        assert run("list", "--store", store).stderr == "The index is empty.\n"

    def test_nothing_is_removed_if_a_name_is_unknown(self, store: Path) -> None:
        result = run("remove", "a1b2c3d4", "nonsense", "--store", store)
        assert result.exit_code == 1
        assert "nonsense" in result.stderr
        assert len(run("list", "--store", store, "--json").stdout.splitlines()) == 2

    def test_info(self, store: Path) -> None:
        record = json.loads(run("info", "--store", store, "--json").stdout)
        assert record.pop("bytes") > 0
        assert record == {
            "store": str(store),
            "recordings": 2,
            "words": 2 * len(SENTENCE),
            "seconds": 2 * 3723.4,
            "models": {"model": 2},
        }
        assert "audio       2.1 h" in run("info", "--store", store).stdout


BROKEN_LIBRARY = 'raise OSError("/opt/lib/libtorchaudio.so: undefined symbol: torch_exception_get_what")'


class TestInstallation:
    """``audiosearch doctor``, and other commands if a package cannot be loaded"""

    def test_doctor(self, store: Path) -> None:
        result = run("doctor", "--store", store)
        assert result.exit_code == 0, result.output
        lines = result.stdout.splitlines()
        assert [line for line in lines if not line.startswith(" ")] == [
            *("Installation", "Machine", "Recognition", "Index"),
            lines[-1],
        ]
        assert max(map(len, lines)) <= 80
        assert lines[-1] == "Everything works." or lines[-1].endswith("warning.")
        assert any(line.split()[:3] == ["✓", "packages", "torch"] for line in lines)
        record = json.loads(run("doctor", "--store", store, "--json").stdout)
        assert record["ok"]
        assert record["checks"][-1] == {
            "section": "Index",
            "name": "store",
            "value": f"{store}: 2 recordings, can be written",
            "status": "ok",
            "advice": "",
        }

    def test_a_torchaudio_for_another_torch(self, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.install(tmp_path, "torchaudio", BROKEN_LIBRARY)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        result = audiosearch("doctor", "--store", store, "--json")
        assert (result.returncode, result.stderr) == (1, "")
        record = json.loads(result.stdout)
        assert not record["ok"]
        (problem,) = [check for check in record["checks"] if check["status"] == "problem"]
        assert problem["name"] == "torchaudio"
        assert "(libtorchaudio.so: undefined symbol: torch_exception_get_what); in a clone" in problem["advice"]
        recording = Path(cli.__file__).parent / "examples" / "podcasts" / "bread.opus"
        transcribed = audiosearch("transcribe", recording)
        assert (transcribed.returncode, transcribed.stdout) == (1, "")
        assert transcribed.stderr == f"Error: {problem['advice']}\n"
        assert audiosearch("query", "human things", "--store", store).returncode == 0

    @pytest.mark.parametrize("name", ["torch", "numpy", "soxr"])
    def test_packages_that_do_not_load(self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.install(tmp_path, name, "import nothing_of_this_name")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        transcribed = audiosearch("transcribe", "anything.wav")
        assert (transcribed.returncode, transcribed.stdout) == (1, "")
        last = transcribed.stderr.splitlines()[-1]  # after a warning of torch if it finds no NumPy
        assert last.startswith(f"Error: {name} ")
        assert "(No module named 'nothing_of_this_name')" in last
        assert "Traceback" not in transcribed.stderr

    def test_a_broken_package_stops_the_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.install(tmp_path, "av", 'raise OSError("libavcodec.so: cannot open shared object file")')
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        podcasts = Path(cli.__file__).parent / "examples" / "podcasts"
        indexed = audiosearch("index", podcasts, "--store", tmp_path / "store.db")
        assert (indexed.returncode, indexed.stdout) == (1, "")
        assert indexed.stderr.startswith("Error: av ")

    def install(self, folder: Path, name: str, source: str) -> None:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(source)


def test_times_and_durations() -> None:
    assert [clock(seconds) for seconds in (0, 59.96, 3599.96, 36000.04)] == [
        "0:00:00.0",
        "0:01:00.0",
        "1:00:00.0",
        "10:00:00.0",
    ]
    assert [length(seconds) for seconds in (3.4, 600, 36000)] == ["3 s", "10 min", "10.0 h"]


def test_paths_are_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(str(tmp_path / "a" / "b")) == "a/b"
    assert shown(f"{tmp_path}-more/b") == f"{tmp_path}-more/b"
    assert shown("/a/\udcff") == "/a/\\xff"


def test_columns_are_aligned() -> None:
    assert rows(("a", "b"), [("long", "x"), ("", "y")]) == ["a     b", "long  x", "      y"]
