"""Readers of transcribed corpora in their published layouts.

=============  ===============================================================================================
librispeech    ``*.trans.txt`` with the audio beside them; ``split`` names a set, such as train-clean-100
commonvoice    ``clips/`` and tables; ``split`` names the table (default: ``train``)
ljspeech       ``metadata.csv`` and ``wavs/``
kaldi          ``wav.scp`` (files, no commands), ``text``, optional ``utt2spk``; no ``segments``
kur            a ``.jsonl`` with ``text``, ``duration_s`` and ``uuid``, and ``audio/``; ``split`` names the .jsonl
txt            a folder, at any depth, of audio with .txt of the same name beside it
=============  ===============================================================================================
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from audiosearch.audio import reader
from audiosearch.data.metadata_table import read_table
from audiosearch.errors import ManifestError


@dataclass(frozen=True)
class Row:
    """A line of a corpus, not yet checked.

    Args:
        text: as written in the corpus.
        audio: absolute path; None if unknown.
        fault: description of a malformed line; None if it is well-formed.
    """

    id: str
    audio: Path | None
    text: str = ""
    speaker: str | None = None
    fault: str | None = None


def read_corpus(folder: str | Path, kind: str | None = None, split: str | None = None) -> Iterator[Row]:
    """Rows of a corpus in its own order.

    Args:
        kind: one of KINDS; None: as detected.
        split: part of the corpus, as described at the top.

    Raises:
        ManifestError: the folder is not a corpus of that kind, or has no such split.
    """
    folder = Path(os.path.normpath(Path(folder).absolute()))
    if not folder.is_dir():
        raise ManifestError(f"{folder}: is not a folder; give the folder of a corpus.")
    kind = kind or detect(folder)
    if kind not in _READERS:
        raise ManifestError(f"there is no kind of corpus {kind!r}; there are {', '.join(KINDS)}.")
    return _READERS[kind](folder, split)


def detect(folder: Path) -> str:
    """Kind of the corpus in a folder, by its files."""
    if (folder / "wav.scp").is_file():
        return "kaldi"
    if _commonvoice_folder(folder) is not None:
        return "commonvoice"
    if (folder / "metadata.csv").is_file():
        return "ljspeech"
    if (folder / "audio").is_dir() and any(folder.glob("*.jsonl")):
        return "kur"
    if next(folder.rglob("*.trans.txt"), None) is not None:
        return "librispeech"
    if next(folder.rglob("*.txt"), None) is not None:
        return "txt"
    raise ManifestError(
        f"{folder}: contains no corpus of a known kind: no *.trans.txt (librispeech), no clips/ and .tsv "
        "(commonvoice), no metadata.csv (ljspeech), no wav.scp (kaldi), no .jsonl with audio/ (kur), no .txt beside "
        "audio (txt)."
    )


def _lines(path: Path) -> Iterator[str]:
    """Lines of a UTF-8 text file, without line ends."""
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for line in file:
                yield line.rstrip("\r\n")
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: is not UTF-8 text.") from error


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    """First word and rest of each line that is not blank."""
    for line in _lines(path):
        first, *rest = line.split(maxsplit=1) or [""]
        if first:
            yield first, rest[0].strip() if rest else ""


class _Files:
    """Audio files of a folder by stem."""

    def __init__(self, folder: Path) -> None:
        self.paths: dict[str, list[Path]] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() != ".txt" and not path.is_dir():
                self.paths.setdefault(path.stem, []).append(path)

    def get(self, stem: str) -> Path | None:
        """File with that stem; of several, the first that is audio."""
        paths = self.paths.get(stem, [])
        if len(paths) > 1:
            return next((path for path in paths if reader.is_audio(path)), paths[0])
        return paths[0] if paths else None


def _librispeech(folder: Path, split: str | None) -> Iterator[Row]:
    transcripts = sorted(folder.rglob("*.trans.txt"))
    if split is not None:
        transcripts = [path for path in transcripts if split in (folder.name, *path.relative_to(folder).parts)]
    if not transcripts:
        raise ManifestError(f"{folder}: contains no *.trans.txt{f' in {split}' if split else ''}.")
    sets = sorted({path.parents[2].name for path in transcripts if len(path.relative_to(folder).parts) > 3})
    if len(sets) > 1:
        raise ManifestError(f"{folder}: contains several sets, {', '.join(sets)}; choose one with --split.")
    for transcript in transcripts:
        files = _Files(transcript.parent)
        for name, text in _pairs(transcript):
            yield Row(name, files.get(name), text, name.partition("-")[0])


def _commonvoice_folder(folder: Path) -> Path | None:
    """Folder with ``clips`` and tables: this one, or its only subfolder of a language."""
    candidates = [path for path in (folder, *sorted(folder.iterdir())) if (path / "clips").is_dir()]
    candidates = [path for path in candidates if any(path.glob("*.tsv"))]
    return candidates[0] if len(candidates) == 1 or folder in candidates else None


def _commonvoice(folder: Path, split: str | None) -> Iterator[Row]:
    language = _commonvoice_folder(folder)
    if language is None:
        raise ManifestError(f"{folder}: has no clips/ with .tsv tables beside it; give the folder of one language.")
    table = language / f"{split or 'train'}.tsv"
    if not table.is_file():
        names = ", ".join(sorted(path.stem for path in language.glob("*.tsv")))
        raise ManifestError(f"{table}: is missing; choose one of {names} with --split.")
    rows = (line.split("\t") for line in _lines(table))  # quotes are letters, fields of any length
    header = next(rows, [])
    if "path" not in header or "sentence" not in header:
        raise ManifestError(f"{table}: has no columns 'path' and 'sentence'.")
    for number, fields in enumerate(rows, start=2):
        row = dict(zip(header, fields, strict=False))
        if not row.get("path") or "sentence" not in row:
            yield Row(f"{table.name}:{number}", None, fault=f"{table.name}, line {number} has too few columns")
            continue
        if "\0" in row["path"]:
            yield Row(f"{table.name}:{number}", None, fault=f"{table.name}, line {number} has no valid path")
            continue
        name = row["path"] if Path(row["path"]).suffix else row["path"] + ".mp3"
        yield Row(Path(name).stem, language / "clips" / name, row["sentence"], row.get("client_id", "")[:16] or None)


def _ljspeech(folder: Path, split: str | None) -> Iterator[Row]:
    _no_split("ljspeech", split)
    if not (folder / "wavs").is_dir():
        raise ManifestError(f"{folder / 'wavs'}: is missing; the audio that metadata.csv names must lie there.")
    files = _Files(folder / "wavs")
    for row in read_table(list(_lines(folder / "metadata.csv"))):
        location = f"metadata.csv, line {row.line}"
        if row.text is None:
            yield Row(f"metadata.csv:{row.line}", None, fault=f"{location} has too few columns")
        elif not row.name or "\0" in row.name:
            yield Row(f"metadata.csv:{row.line}", None, fault=f"{location} names no recording")
        else:
            name = PurePosixPath(row.name).name
            audio = files.get(name) or files.get(name.rpartition(".")[0])
            yield Row(row.name, audio, row.text, row.speaker)


def _kaldi(folder: Path, split: str | None) -> Iterator[Row]:
    _no_split("kaldi", split)
    if (folder / "segments").exists():
        raise ManifestError(
            f"{folder / 'segments'}: a manifest cannot name parts of recordings; "
            "write one file for each segment (in Kaldi: extract-segments), then use the data directory of those."
        )
    wavs: dict[str, Path] = {}
    for name, value in _pairs(folder / "wav.scp"):
        if value.endswith("|"):
            raise ManifestError(
                f"{folder / 'wav.scp'}: {name} is a command, which is not run; write its output to a file."
            )
        path = folder / value
        wavs[name] = path if path.exists() else Path(value).absolute()  # as Kaldi resolves it
    speakers = dict(_pairs(folder / "utt2spk")) if (folder / "utt2spk").is_file() else {}
    for name, text in _pairs(folder / "text"):
        yield Row(name, wavs.get(name), text, speakers.get(name))


def _kur(folder: Path, split: str | None) -> Iterator[Row]:
    tables = sorted(folder.glob("*.jsonl"))
    if split is not None:
        tables = [path for path in tables if path.stem == split]
    manifests = [path for path in tables if _is_manifest(path)]
    tables = [path for path in tables if path not in manifests]
    if manifests and not tables:
        raise ManifestError(f"{manifests[0]}: is a manifest already; use it for training directly.")
    if len(tables) != 1 or not (folder / "audio").is_dir():
        names = ", ".join(path.stem for path in tables) or "none"
        raise ManifestError(f"{folder}: needs audio/ and one .jsonl with 'uuid'; there are: {names} (see --split).")
    files = _Files(folder / "audio")
    for number, line in enumerate(_lines(tables[0]), start=1):
        if not line.strip():
            continue
        location = f"{tables[0].name}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict) or not isinstance(row.get("uuid"), str) or not isinstance(row.get("text"), str):
            yield Row(location, None, fault=f"{location} is not an object with 'uuid' and 'text'")
            continue
        speaker = row.get("speaker_id", row.get("speaker"))
        yield Row(row["uuid"], files.get(row["uuid"]), row["text"], None if speaker is None else str(speaker))


def _is_manifest(path: Path) -> bool:
    """True if a .jsonl file is a manifest, perhaps written here before."""
    try:
        first = json.loads(next(_lines(path), ""))
    except ValueError:
        return False
    return isinstance(first, dict) and "audio" in first and "uuid" not in first


def _txt(folder: Path, split: str | None) -> Iterator[Row]:
    _no_split("txt", split)
    for parent, folders, names in os.walk(folder):
        folders.sort()
        files = _Files(Path(parent))
        texts = {Path(name).stem: Path(parent, name) for name in sorted(names) if name.lower().endswith(".txt")}
        for stem in sorted({*texts, *files.paths}):
            path, text = files.get(stem), texts.get(stem)
            name = Path(parent, stem).relative_to(folder).as_posix()
            if text is None:
                if path is not None and reader.is_audio(path):
                    yield Row(name, path, fault=f"there is no {stem}.txt beside {path}")
                continue
            try:
                yield Row(name, path, " ".join(_lines(text)))
            except ManifestError as error:
                yield Row(name, path, fault=str(error))


def _no_split(kind: str, split: str | None) -> None:
    if split is not None:
        raise ManifestError(f"--split {split}: a corpus of kind {kind} has no splits.")


_READERS: dict[str, Callable[[Path, str | None], Iterator[Row]]] = {
    "librispeech": _librispeech,
    "commonvoice": _commonvoice,
    "ljspeech": _ljspeech,
    "kaldi": _kaldi,
    "kur": _kur,
    "txt": _txt,
}
KINDS = tuple(_READERS)
"""Names of the kinds of corpus."""
