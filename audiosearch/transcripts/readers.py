"""Transcripts that others made: what is said in a file of any of the kinds that we read, known by its content."""

from __future__ import annotations

from pathlib import Path

from audiosearch.errors import TranscriptError
from audiosearch.transcripts import ctm_vtt_reader as foreign_lines
from audiosearch.transcripts import json_reader as foreign_json
from audiosearch.transcripts.imported import ImportedTranscript


def read(path: Path, channel: str | None = None, *, word_times: bool = True) -> list[ImportedTranscript]:
    """What is said in the recordings of a transcript in JSON, WebVTT or CTM.

    Args:
        channel: the only one to take, of a CTM file.
        word_times: refuse a transcript that has times of segments only; else words share the time of their segment.

    Raises:
        TranscriptError: it cannot be read, is of no known kind, or has no word times.
    """
    text = _text(path)
    kind = "json" if text.lstrip()[:1] in ("{", "[") else "vtt" if text.startswith("WEBVTT") else "ctm"
    if kind == "ctm":
        found = foreign_lines.read_ctm(path, text, channel)
    elif channel is not None:
        raise TranscriptError(f"{path}: has no channels; only CTM has.")
    elif kind == "vtt":
        found = [foreign_lines.read_vtt(path, text, word_times=word_times)]
    else:
        found = foreign_json.read(path, text, word_times=word_times)
    if not found:
        raise TranscriptError(f"{path}: holds no transcript.")
    return found


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TranscriptError(f"{path}: cannot be read ({error.strerror}).") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TranscriptError(f"{path}, line {line}: is no text in UTF-8.") from error
