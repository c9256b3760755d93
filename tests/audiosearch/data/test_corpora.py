"""Corpora: detection, reading, and checks of rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audiosearch.data.corpora import KINDS, Row, detect, read_corpus
from audiosearch.data.corpus_check import Kept, Rejected, check
from audiosearch.data.manifest import read_manifest
from audiosearch.errors import ManifestError

soundfile = pytest.importorskip("soundfile")
pytest.importorskip("av")

SECONDS = 1.5


def tone(path: Path, seconds: float = SECONDS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, [0.1, -0.1] * int(4000 * seconds), 8000)
    return path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def librispeech(folder: Path) -> None:
    chapter = folder / "train-clean-5" / "84" / "121"
    tone(chapter / "84-121-0000.flac")
    tone(chapter / "84-121-0001.flac")
    write(chapter / "84-121.trans.txt", "84-121-0000 GO DO YOU HEAR\n84-121-0001 AND YET\n84-121-0002 NOT THERE\n")


def commonvoice(folder: Path) -> None:
    tone(folder / "en" / "clips" / "one.flac")
    header = "client_id\tpath\tsentence\tage\n"
    rows = 'abcdef0123456789abcdef\tone.flac\t"Go," said Zoë.\t\nx\ttwo.mp3\tNot there\t\nbroken\n'
    write(folder / "en" / "train.tsv", header + rows)
    write(folder / "en" / "dev.tsv", header + "y\tone.flac\tOther words\t\n")


def ljspeech(folder: Path) -> None:
    tone(folder / "wavs" / "LJ001-0001.wav")
    tone(folder / "wavs" / "LJ001-0002.wav")
    write(
        folder / "metadata.csv",
        "LJ001-0001|In 1984|in nineteen eighty-four\nLJ001-0002|Yes|Yes\nLJ001-0003|No|No\nbad\n",
    )


def kaldi(folder: Path) -> None:
    tone(folder / "wav" / "a.wav")
    write(folder / "wav.scp", f"utt1 wav/a.wav\nutt2 {tone(folder / 'b.wav')}\nutt3 nowhere.wav\n")
    write(folder / "text", "utt1 GO ON\nutt2\tAND YET\nutt3 NOT THERE\nutt4 NO WAV\n")
    write(folder / "utt2spk", "utt1 ann\nutt2 bob\n")


def kur(folder: Path) -> None:
    tone(folder / "audio" / "u1.wav")
    rows = [{"text": "go on", "duration_s": 1.5, "uuid": "u1"}, {"text": "not there", "duration_s": 2, "uuid": "u2"}]
    write(folder / "data.jsonl", "\n".join(json.dumps(row) for row in [*rows, {"text": "no uuid"}]))


def txt(folder: Path) -> None:
    tone(folder / "a" / "one.wav")
    write(folder / "a" / "one.txt", "Go\non.\n")
    write(folder / "a" / "one.json", "{}")
    tone(folder / "two.flac")
    write(folder / "README.txt", "no audio has this name")
    (folder / "bad.txt").write_bytes(b"\xff\xfe\xfa")
    tone(folder / "bad.wav")


CORPORA = {
    "librispeech": (librispeech, [("84-121-0000", "go do you hear", "84"), ("84-121-0001", "and yet", "84")]),
    "commonvoice": (commonvoice, [("one", "go said zoe", "abcdef0123456789")]),
    "ljspeech": (ljspeech, [("LJ001-0001", "in nineteen eighty four", None), ("LJ001-0002", "yes", None)]),
    "kaldi": (kaldi, [("utt1", "go on", "ann"), ("utt2", "and yet", "bob")]),
    "kur": (kur, [("u1", "go on", None)]),
    "txt": (txt, [("a/one", "go on", None)]),
}
LEFT_OUT = {
    "librispeech": ["audio missing"],
    "commonvoice": ["audio missing", "line malformed"],
    "ljspeech": ["audio missing", "line malformed"],
    "kaldi": ["audio missing", "audio missing"],
    "kur": ["audio missing", "line malformed"],
    "txt": ["audio missing", "line malformed", "line malformed"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_detected_and_read(kind: str, tmp_path: Path) -> None:
    make, expected = CORPORA[kind]
    make(tmp_path)
    assert detect(tmp_path) == kind
    verdicts = list(check(read_corpus(tmp_path)))
    kept = [verdict.utterance for verdict in verdicts if isinstance(verdict, Kept)]
    assert [(utterance.id, utterance.text, utterance.speaker) for utterance in kept] == expected
    for utterance in kept:
        assert utterance.audio.is_absolute()
        assert utterance.duration == SECONDS
    rejected = [verdict for verdict in verdicts if isinstance(verdict, Rejected)]
    assert sorted(verdict.reason for verdict in rejected) == LEFT_OUT[kind]


def test_splits(tmp_path: Path) -> None:
    commonvoice(tmp_path / "cv")
    assert [row.text for row in read_corpus(tmp_path / "cv", split="dev")] == ["Other words"]
    with pytest.raises(ManifestError, match="choose one of dev, train with --split"):
        list(read_corpus(tmp_path / "cv", split="test"))
    librispeech(tmp_path / "ls")
    assert len(list(read_corpus(tmp_path / "ls", split="train-clean-5"))) == 3
    assert len(list(read_corpus(tmp_path / "ls" / "train-clean-5"))) == 3
    (tmp_path / "ls" / "train-clean-5").rename(tmp_path / "other")
    librispeech(tmp_path / "ls")
    (tmp_path / "other").rename(tmp_path / "ls" / "test-clean")
    with pytest.raises(ManifestError, match="several sets, test-clean, train-clean-5; choose one with --split"):
        list(read_corpus(tmp_path / "ls"))
    with pytest.raises(ManifestError, match=r"no \*\.trans\.txt in dev-clean"):
        list(read_corpus(tmp_path / "ls", split="dev-clean"))


def test_folders_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="contains no corpus of a known kind"):
        read_corpus(tmp_path)
    with pytest.raises(ManifestError, match="is not a folder"):
        read_corpus(tmp_path / "missing")
    for kind in set(KINDS) - {"txt"}:
        with pytest.raises(ManifestError):
            list(read_corpus(tmp_path, kind))
    kur(tmp_path / "kur")
    write(tmp_path / "kur" / "data.jsonl", '{"audio": "audio/u1.wav", "text": "go on"}')
    with pytest.raises(ManifestError, match=r"data\.jsonl: is a manifest already"):
        list(read_corpus(tmp_path / "kur"))
    kaldi(tmp_path / "kaldi")
    write(tmp_path / "kaldi" / "segments", "utt1 rec1 0 1\n")
    with pytest.raises(ManifestError, match="cannot name parts of recordings"):
        list(read_corpus(tmp_path / "kaldi"))
    kaldi(tmp_path / "pipe")
    write(tmp_path / "pipe" / "wav.scp", "utt1 touch hacked |\n")
    with pytest.raises(ManifestError, match="utt1 is a command, which is not run"):
        list(read_corpus(tmp_path / "pipe"))


def test_reasons_of_rejected_rows(tmp_path: Path) -> None:
    good, short = tone(tmp_path / "good.wav"), tone(tmp_path / "short.wav", 0.1)
    empty, broken = tone(tmp_path / "empty.wav", 0), tmp_path / "broken.wav"
    broken.write_text("no sound")
    cases = [
        (Row("1", good, "all is well"), "kept"),
        (Row("2", good, "all is well again"), "audio listed before"),
        (Row("3", good, " … "), "no text"),
        (Row("4", good, "всё хорошо"), "no text"),
        (Row("5", good, "ok, всё хорошо"), "foreign letters"),
        (Row("6", None, "nothing"), "audio missing"),
        (Row("7", tmp_path / "missing.wav", "nothing"), "audio missing"),
        (Row("8", empty, "nothing"), "audio unreadable"),
        (Row("9", broken, "nothing"), "audio unreadable"),
        (Row("10", short, "far too much for a tenth of a second"), "too much text for its length"),
        (Row("11", tone(tmp_path / "long.wav", 30), "little"), "too little text for its length"),
        (Row("12", None, fault="of its own"), "line malformed"),
    ]
    for threads in (1, 4):
        verdicts = list(check([row for row, _ in cases], threads=threads))
        results = [verdict.reason if isinstance(verdict, Rejected) else "kept" for verdict in verdicts]
        assert results == [reason for _, reason in cases]


def test_thorough_check_decodes_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "cut.flac"
    tone(path, 20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    row = Row("1", path, "as many words as it takes to speak for twenty seconds")
    assert isinstance(next(check([row])), Kept)
    verdict = next(check([row], thorough=True))
    assert isinstance(verdict, Rejected)
    assert "should last 20.0 s" in verdict.detail


def test_the_command_offers_every_kind() -> None:
    from indexer.commands.manifest import KINDS as OFFERED

    assert OFFERED == KINDS


def run(*arguments: str) -> Result:
    from cli import main

    return CliRunner().invoke(main, ["manifest", *arguments])


def test_the_command_writes_a_manifest_and_reports_rejected_rows(tmp_path: Path) -> None:
    librispeech(tmp_path)
    result = run(str(tmp_path), "--rejects", str(tmp_path / "rejects.jsonl"))
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path / 'manifest.jsonl'}\n"
    assert "kept: 2 utterances, 3 s, 1 speakers" in result.stderr
    assert "left out: 1\n  1 × audio missing, such as 84-121-0002: no audio of this name" in result.stderr
    assert json.loads((tmp_path / "rejects.jsonl").read_text()) == {
        "id": "84-121-0002",
        "audio": None,
        "text": "NOT THERE",
        "reason": "audio missing",
        "detail": "no audio of this name",
    }
    utterances = read_manifest(tmp_path / "manifest.jsonl")
    assert [utterance.audio.name for utterance in utterances] == ["84-121-0000.flac", "84-121-0001.flac"]
    assert all(utterance.audio.is_file() for utterance in utterances)


def test_the_command_fails_in_one_sentence_and_leaves_no_manifest(tmp_path: Path) -> None:
    for arguments, message in (
        ([str(tmp_path / "missing")], "is not a folder"),
        ([str(tmp_path)], "contains no corpus"),
        ([str(tmp_path), "-o", str(tmp_path / "no" / "m.jsonl")], "there is no folder"),
        ([str(tmp_path), "--kind", "txt"], "no row can be used"),
        ([str(tmp_path), "--kind", "txt", "--split", "x"], "has no splits"),
        ([str(tmp_path), "--download", "commonvoice:en"], "only be downloaded from its website"),
        ([str(tmp_path), "--download", "librispeech:train-clean-99"], "there is no such corpus"),
    ):
        result = run(*arguments)
        assert result.exit_code == 1
        assert message in result.stderr
        assert len(result.stderr.strip().splitlines()) <= 2
        assert list(tmp_path.iterdir()) == []


def test_tags_are_no_words_of_a_manifest(tmp_path: Path) -> None:
    tone(tmp_path / "a.wav")
    tone(tmp_path / "b.wav")
    write(tmp_path / "wav.scp", "u1 a.wav\nu2 b.wav\n")
    write(
        tmp_path / "text",
        "u1 <s> so [laughter] ++breath++ it(2) be- th[is]- !SIL goes {lipsmack} </s>\nu2 [noise] <unk>\n",
    )
    kept, rejected = check(read_corpus(tmp_path))
    assert isinstance(kept, Kept)
    assert kept.utterance.text == "so it be goes"
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "no text"
    write(tmp_path / "m.jsonl", json.dumps({"audio": "a.wav", "text": "so <unk> [noise] it(2)"}))
    assert [utterance.text for utterance in read_manifest(tmp_path / "m.jsonl")] == ["so it"]
