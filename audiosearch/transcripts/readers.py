"""Readers of transcripts by other programs; the format is recognized by content."""

from __future__ import annotations

from pathlib import Path

from audiosearch.errors import TranscriptError
from audiosearch.transcripts.ctm_vtt_reader import read_ctm, read_vtt
from audiosearch.transcripts.imported import ImportedTranscript
from audiosearch.transcripts.json_reader import read_json


def read_transcripts(path: Path, channel: str | None = None, *, word_times: bool = True) -> list[ImportedTranscript]:
    """Transcripts of the recordings of a file in JSON, WebVTT or CTM.

    Args:
        channel: the only channel to read of a CTM file.
        word_times: refuse a file in which only segments have times; otherwise words divide the time of their segment.

    Raises:
        TranscriptError: the file cannot be read, is of no known format, or has no word times.
    """
    text = _text(path)
    kind = "json" if text.lstrip()[:1] in ("{", "[") else "vtt" if text.startswith("WEBVTT") else "ctm"
    if kind == "ctm":
        transcripts = read_ctm(path, text, channel)
    elif channel is not None:
        raise TranscriptError(f"{path}: has no channels; only CTM files have.")
    elif kind == "vtt":
        transcripts = [read_vtt(path, text, word_times=word_times)]
    else:
        transcripts = read_json(path, text, word_times=word_times)
    if not transcripts:
        raise TranscriptError(f"{path}: holds no transcript.")
    return transcripts


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TranscriptError(f"{path}: cannot be read ({error.strerror}).") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TranscriptError(f"{path}, line {line}: is not UTF-8 text.") from error
