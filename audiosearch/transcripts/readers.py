"""Readers of transcripts by other programs; the format is recognized by content."""

from __future__ import annotations

import re
from pathlib import Path

from audiosearch.errors import TranscriptError
from audiosearch.transcripts.ctm_vtt_reader import read_ctm, read_vtt
from audiosearch.transcripts.imported import ImportedTranscript
from audiosearch.transcripts.json_reader import read_json


def read_transcripts(path: Path, channel: str | None = None, *, word_times: bool = True) -> list[ImportedTranscript]:
    """Transcripts of the recordings of a file in JSON, WebVTT, SubRip or CTM.

    Args:
        channel: the only channel to read of a CTM file.
        word_times: refuse a file in which only segments have times; otherwise words divide the time of their segment.

    Raises:
        TranscriptError: the file cannot be read, is of no known format, or has no word times.
    """
    text = _text(path)
    kind = _kind(text)
    if kind in _OTHERS:
        raise TranscriptError(f"{path}: is {_OTHERS[kind]} without word times; {_REMEDY}.")
    if kind == "ctm":
        transcripts = read_ctm(path, text, channel)
    elif channel is not None:
        raise TranscriptError(f"{path}: has no channels; only CTM files have.")
    elif kind in ("vtt", "srt"):
        name = "WebVTT" if kind == "vtt" else "SubRip (SRT) captions"
        transcripts = [read_vtt(path, text, word_times=word_times, kind=name)]
    else:
        transcripts = read_json(path, text, word_times=word_times)
    if not transcripts:
        raise TranscriptError(f"{path}: holds no transcript.")
    return transcripts


_OTHERS = {
    "html": "HTML",
    "xml": "XML",
    "docx": "a document of a word processor",
    "text": "plain text",
    "ass": "SubStation Alpha captions",
    "lrc": "lyrics (LRC)",
    "console": "printed lines of Whisper",
    "sbv": "SubViewer captions (SBV)",
    "rttm": "a table of speakers (RTTM)",
    "stm": "a reference in STM",
    "tsv": "a table of segments (TSV)",
}
"""Kinds that hold no times of words, or are not read."""

_FIRST_LINES = {
    "ass": r"\[Script Info\]|\[V4",
    "console": r"\[[\d:.,]+s? -+> ",
    "lrc": r"\[(?:\d+:\d\d|ar:|ti:|al:|by:|length:|offset:|re:|ve:)",
    "json": r"[\[{]|\(\s*[\[({'\d]|\w+\(\w+=",
    "sbv": r"\d+:\d\d:\d\d\.\d+,\d+:\d\d:\d\d\.\d+\s",
    "rttm": r"SPEAKER[ \t]+\S+[ \t]+\S+[ \t]+[\d.]+[ \t]+[\d.]+[ \t]+<NA>",
    "stm": r"(?:;;.*\s+)*\S+[ \t]+\S+[ \t]+\S+[ \t]+[\d.]+[ \t]+[\d.]+[ \t]+<\S+>",
    "tsv": r"start\tend\ttext",
}
"""Beginnings of kinds."""

_REMEDY = (
    "import JSON, WebVTT, SRT or CTM with a time for each word, as by WhisperX or Whisper's option word_timestamps"
)

_SUBRIP = re.compile(r"\s*(?:\d+[ \t]*\r?\n)?\s*\d+:\d\d:\d\d[,.]\d+[ \t]*-->")
_CTM = re.compile(r"(?m)^(?!;;)\S+[ \t]+\S+[ \t]+-?[\d.]+[ \t]+-?[\d.]+[ \t]+\S+")


def _kind(text: str) -> str:
    """Format of a transcript, by its content."""
    start = text.lstrip()[:200]
    if text.startswith("WEBVTT"):
        return "vtt"
    for kind, pattern in _FIRST_LINES.items():
        if re.match(pattern, start):
            return kind
    if _SUBRIP.match(text):
        return "srt"
    if start[:1] == "<":
        return "html" if "<html" in start.lower() or "<!doctype html" in start.lower() else "xml"
    words = text.split(maxsplit=400)
    is_prose = len(words) > 5 and not _CTM.search(text) and ";;" not in text and not any(map(str.isdigit, text[:2000]))
    return "text" if is_prose else "ctm"


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TranscriptError(f"{path}: cannot be read ({error.strerror}).") from error
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise TranscriptError(f"{path}: is {_OTHERS['docx']} or an archive; {_REMEDY}.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TranscriptError(f"{path}, line {line}: is not UTF-8 text.") from error
