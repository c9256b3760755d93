"""Readers of transcripts by other programs; the format is recognized by content."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from audiosearch.errors import TranscriptError
from audiosearch.transcripts.caption_reader import read_vtt
from audiosearch.transcripts.imported import ALIGN, ImportedTranscript
from audiosearch.transcripts.interval_reader import read_ctm, read_table, read_textgrid
from audiosearch.transcripts.json_reader import read_json
from audiosearch.transcripts.numbers import repaired
from audiosearch.transcripts.timed_text_reader import read_json3, read_xml


def read_transcripts(path: Path, channel: str | None = None, *, word_times: bool = True) -> list[ImportedTranscript]:
    """Transcripts of the recordings of a file in any of the formats of docs/formats.md.

    Args:
        channel: the only channel to read of a CTM file.
        word_times: refuse a file in which only segments have times; otherwise words divide the time of their segment.

    Raises:
        TranscriptError: the file cannot be read, is of no known format, or has no word times.
    """
    text = read_file(path)
    kind = kind_of(text)
    if kind in _OTHERS:
        remedy = ALIGN if kind in LINES_OF_TEXT else _REMEDY
        raise TranscriptError(f"{path}: is {_OTHERS[kind]} without word times; {remedy}.")
    if channel is not None and kind != "ctm":
        raise TranscriptError(f"{path}: has no channels; only CTM files have.")
    match kind:
        case "ctm":
            transcripts = read_ctm(path, text, channel)
        case "vtt" | "srt":
            name = "WebVTT" if kind == "vtt" else "SubRip (SRT) captions"
            transcripts = [read_vtt(path, text, word_times=word_times, kind=name)]
        case "json3":
            transcripts = [read_json3(path, text, word_times=word_times)]
        case "xml":
            transcripts = [read_xml(path, text, word_times=word_times)]
        case "textgrid":
            transcripts = [read_textgrid(path, text, word_times=word_times)]
        case "table":
            transcripts = read_table(path, text, word_times=word_times)
        case _:
            transcripts = read_json(path, text, word_times=word_times)
    if not transcripts:
        raise TranscriptError(f"{path}: holds no transcript.")
    return transcripts


_OTHERS = {
    "html": "HTML",
    "docx": "a document of a word processor",
    "text": "plain text",
    "ass": "SubStation Alpha captions",
    "lrc": "lyrics (LRC)",
    "console": "printed lines of Whisper",
    "sbv": "SubViewer captions (SBV)",
    "rttm": "a table of speakers (RTTM)",
    "stm": "a reference in STM",
}
"""Kinds that hold no times of words, or are not read."""

LINES_OF_TEXT = frozenset({"text", "console", "lrc"})
"""Kinds of which each line is text, with a time before it or not."""

_BEGINNINGS = {
    "vtt": r"WEBVTT",
    "ass": r"\[Script Info\]|\[V4",
    "console": r"\[[\d:.,]+s? -+> ",
    "lrc": r"\[(?:\d+:\d\d|ar:|ti:|al:|by:|length:|offset:|re:|ve:)",
    "json": r"[\[{]|\(\s*[\[({'\d]|\w+\(\w+=|\"\s*(?:\\\\n)*[\[{]|(?:(?:LOG|WARNING|VLOG) ?[\[(].*\s+)+\{",
    "html": r"(?is)<!doctype html|<html|<(?!\?xml|tt|timedtext|transcript).{0,500}<html",
    "xml": r"<",
    "textgrid": r'File type = "ooTextFile|"?ooTextFile',
    "sbv": r"\d+:\d\d:\d\d\.\d+,\d+:\d\d:\d\d\.\d+\s",
    "rttm": r"SPEAKER[ \t]+\S+[ \t]+\S+[ \t]+[\d.]+[ \t]+[\d.]+[ \t]+<NA>",
    "stm": r"(?:;;.*\s+)*\S+[ \t]+\S+[ \t]+\S+[ \t]+[\d.]+[ \t]+[\d.]+[ \t]+<\S+>",
    "table": r"(?i)-?\d+(?:\.\d+)?\t-?\d+(?:\.\d+)?\t|(?=[^\n]*\bstart)[\"\w ]+(?:[,;\t][\"\w ]+){2,}[\r\n]",
}
"""Beginnings of kinds; the first that fits holds."""

_REMEDY = (
    "import JSON, WebVTT, SRT or CTM with a time for each word, as by WhisperX or Whisper's option word_timestamps"
)

_CUE = re.compile(r"(?m)^[ \t]*\d+:[\d:.,]+[ \t]*-->")
_CTM = re.compile(r"(?m)^(?!;;)\S+[ \t]+\S+[ \t]+-?[\d.]+[ \t]+-?[\d.]+[ \t]+\S+")


def kind_of(text: str) -> str:
    """Format of a transcript, by its content."""
    start = text.lstrip()[:4000]
    kind = next((kind for kind, pattern in _BEGINNINGS.items() if re.match(pattern, start)), "")
    if kind == "json" and '"tStartMs"' in text and '"segs"' in text:
        return "json3"
    if kind:
        return kind
    if _CUE.search(text):
        return "srt"
    return "ctm" if _CTM.search(text) or not text.strip() or start.startswith(";;") else "text"


def read_file(path: Path) -> str:
    """Text of a file; TranscriptError if it cannot be read, or is no text."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TranscriptError(f"{path}: cannot be read ({error.strerror}).") from error
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise TranscriptError(f"{path}: is {_OTHERS['docx']} or an archive; {_REMEDY}.")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    text = data.decode("utf-8-sig", "surrogateescape")
    if "\0" in text:
        raise TranscriptError(f"{path}: is not text; {_REMEDY}.")
    if text.lstrip()[:1] in ("{", "["):  # a letter may be divided among tokens
        return text
    return "".join(repaired(line) for line in text.splitlines(keepends=True))
