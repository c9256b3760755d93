"""Transcripts in JSON: WhisperX and Whisper with word times, Vosk, and our own (``audiosearch export --format json``).

A file may hold several values one after the other, on lines of their own or not, as Vosk's programs write them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from audiosearch.errors import TranscriptError
from audiosearch.normalizer import normalize
from audiosearch.transcripts.imported import ImportedTranscript, Token, checked, probability, timed
from audiosearch.types import Alternative, Seconds


def read(path: Path, text: str, *, word_times: bool = True) -> list[ImportedTranscript]:
    """What is said in the recordings of a file.

    Args:
        word_times: refuse a file that has times of segments only.

    Raises:
        TranscriptError: it is not JSON, not of a known kind, or has no word times.
    """
    documents = list(_documents(path, text))
    if len(documents) == 1 and isinstance(documents[0][1], list):  # a list of results or of segments
        (line, several) = documents[0]
        documents = [(f"{line}[{number}]", one) for number, one in enumerate(several)]
    for place, one in documents:
        if not isinstance(one, dict):
            raise TranscriptError(f"{place}: is no object; it should be of WhisperX, Vosk, or audiosearch.")
    if not documents:
        raise TranscriptError(f"{path}: holds no transcript.")
    kinds = {_kind(one) for _, one in documents}
    if kinds == {"json"}:
        return [_own(place, one) for place, one in documents]
    if kinds == {"vosk"}:
        return [ImportedTranscript("", "vosk", tuple(token for place, one in documents for token in _vosk(place, one)))]
    if kinds == {"segment"}:
        return [_whisper(path, documents, word_times)]
    if kinds == {"whisperx"} and len(documents) == 1:
        ((place, one),) = documents
        if isinstance(one.get("segments"), list):
            segments = [(f"{place}: segments[{number}]", segment) for number, segment in enumerate(one["segments"])]
        else:
            segments = [(place, {"words": one["word_segments"]})]
        language = one.get("language")
        spoken = _whisper(path, segments, word_times)
        return [replace(spoken, language=language if isinstance(language, str) else None)]
    raise TranscriptError(f"{path}: is JSON, but not a transcript of WhisperX, Vosk, or audiosearch.")


def _documents(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    """Each value with its place."""
    decoder, position = json.JSONDecoder(parse_constant=_refused), 0
    while (position := _after_space(text, position)) < len(text):
        place = f"{path}, line {text.count(chr(10), 0, position) + 1}"
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise TranscriptError(f"{path}, line {error.lineno}: is not valid JSON ({error.msg}).") from error
        except (ValueError, RecursionError) as error:
            raise TranscriptError(f"{place}: is not valid JSON ({error}).") from error
        yield place, value


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _after_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n\x1e,":
        position += 1
    return position


def _kind(one: dict[str, Any]) -> str:
    if "segments" in one or "word_segments" in one:
        return "whisperx"
    if "duration" in one and isinstance(one.get("words"), list) and "path" in one:
        return "json"
    if "result" in one or "alternatives" in one or "partial" in one or set(one) == {"text"}:
        return "vosk"
    return "segment" if "start" in one and "end" in one and ("words" in one or "text" in one) else "unknown"


def _whisper(path: Path, segments: list[tuple[str, Any]], word_times: bool) -> ImportedTranscript:
    """Words of segments; those that WhisperX could not align share what time is left.

    A word without a confidence of its own has that of its segment (``avg_logprob``).
    """
    tokens: list[Token] = []
    breaks: list[Seconds] = []
    has_times = False
    for place, segment in segments:
        if not isinstance(segment, dict):
            raise TranscriptError(f"{place}: is no segment.")
        words = _list(segment, "words", place) if segment.get("words") else []
        pieces = [_token(word, f"{place}.words[{number}]", "word") for number, word in enumerate(words)]
        known = [piece for piece in pieces if piece.end is not None]
        has_times |= bool(known)
        if not words:
            text = str(segment.get("text") or "")
            pieces = [Token(piece, None, None, None, place) for piece in text.split()]
        if len(known) < len(pieces):
            start, end = segment.get("start"), segment.get("end")
            if known and (start is None or end is None):
                start, end = known[0].start, known[-1].end
            start, end = checked(start, end, place)
            pieces = timed(pieces, start, end)
            breaks.append(end)
        mean = segment.get("avg_logprob")
        if isinstance(mean, (int, float)) and not isinstance(mean, bool) and mean <= 0:
            sure = math.exp(mean)
            pieces = [replace(piece, confidence=sure) if piece.confidence is None else piece for piece in pieces]
        tokens += pieces
    if tokens and not has_times and word_times:
        raise TranscriptError(f"{path}: has no word times; let WhisperX align it, or Whisper write word timestamps.")
    return ImportedTranscript("", "whisperx", tuple(tokens), breaks=() if has_times else tuple(breaks))


def _vosk(place: str, one: dict[str, Any]) -> list[Token]:
    if one.get("alternatives"):
        place = f"{place}: alternatives[0]"
        one = _object(_list(one, "alternatives", place)[0], place)
    if "result" not in one:
        if one.get("text"):
            raise TranscriptError(f"{place}: has no word times; call SetWords(True) of the Vosk recognizer.")
        return []
    return [_token(word, f"{place}: result[{n}]", "word") for n, word in enumerate(_list(one, "result", place))]


def _own(place: str, one: dict[str, Any]) -> ImportedTranscript:
    tokens = [_token(word, f"{place}: words[{n}]", "text") for n, word in enumerate(_list(one, "words", place))]
    duration, _ = checked(one["duration"], one["duration"], f"{place}: duration")
    return ImportedTranscript(Path(str(one["path"])).name, "json", tuple(tokens), duration)


def _token(word: object, place: str, name: str) -> Token:
    known = _object(word, place)
    text = known.get(name)
    if not isinstance(text, str):
        raise TranscriptError(f'{place}: should have a text "{name}".')
    start, end = known.get("start"), known.get("end")
    if start is not None or end is not None:
        start, end = checked(start, end, place)
    elif name == "text" or "conf" in known:
        raise TranscriptError(f"{place}: has no start and end.")
    scores = (known.get(key) for key in ("score", "confidence", "conf", "probability"))
    score = next((score for score in scores if score is not None), None)
    return Token(text, start, end, probability(score, place), place, tuple(_alternatives(known, place)))


def _alternatives(word: dict[str, Any], place: str) -> Iterator[Alternative]:
    for other in _list(word, "alternatives", place) if word.get("alternatives") else ():
        about = _object(other, f"{place}.alternatives")
        text, sure = normalize(str(about.get("text", ""))), probability(about.get("probability"), place)
        if text and " " not in text and sure is not None:
            yield Alternative(text, sure)


def _object(value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TranscriptError(f"{place}: should be an object, not {str(value)[:40]!r}.")
    return value


def _list(one: dict[str, Any], name: str, place: str) -> list[Any]:
    value = one.get(name)
    if not isinstance(value, list):
        raise TranscriptError(f'{place}: "{name}" should be a list.')
    return value
