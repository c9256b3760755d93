"""Transcripts in JSON: WhisperX and Whisper with word times, Vosk, and ``audiosearch export --format json``.

A file may hold several values one after the other, on separate lines or not, as Vosk's programs write them.
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
from audiosearch.transcripts.imported import (
    ImportedTranscript,
    Token,
    check_confidence,
    check_times,
    interpolate_times,
    mend_confidence,
    mend_times,
)
from audiosearch.types import Alternative, Seconds


def read_json(path: Path, text: str, *, word_times: bool = True) -> list[ImportedTranscript]:
    """Transcripts of the recordings of a file.

    Args:
        word_times: refuse a file in which only segments have times.

    Raises:
        TranscriptError: the file is not JSON, of no known kind, or has no word times.
    """
    documents = list(_documents(path, text))
    if len(documents) == 1 and isinstance(documents[0][1], list):  # a list of results or segments
        location, entries = documents[0]
        documents = [(f"{location}[{number}]", entry) for number, entry in enumerate(entries)]
    for location, entry in documents:
        if not isinstance(entry, dict):
            raise TranscriptError(f"{location}: is not an object; it must be by WhisperX, Vosk or audiosearch.")
    if not documents:
        raise TranscriptError(f"{path}: holds no transcript.")
    kinds = {_kind(entry) for _, entry in documents}
    if kinds == {"json"}:
        return [_own_format(location, entry) for location, entry in documents]
    if kinds == {"vosk"}:
        return [
            ImportedTranscript(
                "", "vosk", _complete([token for location, entry in documents for token in _vosk(location, entry)])
            )
        ]
    if kinds == {"segment"}:
        return [_whisper(path, documents, word_times)]
    if kinds == {"whisperx"} and len(documents) == 1:
        ((location, entry),) = documents
        if "segments" not in entry and "word_segments" not in entry:
            segments = [(location, {"words": entry["words"]})]
        elif isinstance(entry.get("segments"), list):
            segments = [
                (f"{location}: segments[{number}]", segment) for number, segment in enumerate(entry["segments"])
            ]
        else:
            segments = [(location, {"words": entry["word_segments"]})]
        if entry.get("words") and not any(isinstance(part, dict) and part.get("words") for _, part in segments):
            segments = [(location, {"words": entry["words"]})]  # services like OpenAI's: beside the segments
        language = entry.get("language")
        transcript = _whisper(path, segments, word_times)
        return [replace(transcript, language=language if isinstance(language, str) else None)]
    raise TranscriptError(f"{path}: is JSON, but not a transcript by WhisperX, Vosk or audiosearch.")


def _documents(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    """Each value with its location."""
    decoder, position = json.JSONDecoder(), 0
    while (position := _skip_space(text, position)) < len(text):
        location = f"{path}, line {text.count(chr(10), 0, position) + 1}"
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise TranscriptError(f"{path}, line {error.lineno}: is not valid JSON ({error.msg}).") from error
        except (ValueError, RecursionError) as error:
            raise TranscriptError(f"{location}: is not valid JSON ({error}).") from error
        yield location, value


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n\x1e,":
        position += 1
    return position


def _kind(document: dict[str, Any]) -> str:
    if "segments" in document or "word_segments" in document:
        return "whisperx"
    if "duration" in document and isinstance(document.get("words"), list) and "path" in document:
        return "json"
    if isinstance(document.get("words"), list) and not {"start", "end", "result"} & document.keys():
        return "whisperx"
    if "result" in document or "alternatives" in document or "partial" in document or set(document) == {"text"}:
        return "vosk"
    return (
        "segment"
        if "start" in document and "end" in document and ("words" in document or "text" in document)
        else "unknown"
    )


def _whisper(path: Path, segments: list[tuple[str, Any]], word_times: bool) -> ImportedTranscript:
    """Words of segments; those that WhisperX could not align divide the remaining time.

    A word without a confidence gets that of its segment (``avg_logprob``).
    """
    tokens: list[Token] = []
    breaks: list[Seconds] = []
    has_times = False
    for location, segment in segments:
        if not isinstance(segment, dict):
            raise TranscriptError(f"{location}: is not a segment.")
        words = _list(segment, "words", location) if segment.get("words") else []
        pieces = [_token(word, f"{location}.words[{number}]", "word") for number, word in enumerate(words)]
        timed = [piece for piece in pieces if piece.end is not None]
        has_times |= bool(timed)
        if not words:
            text = str(segment.get("text") or "")
            pieces = [Token(piece, None, None, None, location) for piece in text.split()]
        if len(timed) < len(pieces):
            start, end = segment.get("start"), segment.get("end")
            if timed and (start is None or end is None):
                start, end = timed[0].start, timed[-1].end
            start, end, _ = mend_times(start, end)
            if start is None or end is None:
                start = tokens[-1].end if tokens and tokens[-1].end is not None else 0.0
                end = max((piece.end for piece in timed if piece.end is not None), default=start)
            pieces = interpolate_times(pieces, start, end)
            breaks.append(end)
        voice = _voice(segment)
        if voice is not None:
            pieces = [piece if piece.voice is not None else replace(piece, voice=voice) for piece in pieces]
        mean = segment.get("avg_logprob")
        if isinstance(mean, (int, float)) and not isinstance(mean, bool) and mean <= 0 and math.isfinite(mean):
            confidence = math.exp(mean)
            pieces = [replace(piece, confidence=confidence) if piece.confidence is None else piece for piece in pieces]
        tokens += pieces
    if tokens and not has_times and word_times:
        raise TranscriptError(
            f"{path}: has no word times; align it with WhisperX, or make Whisper write word timestamps."
        )
    return ImportedTranscript("", "whisperx", tuple(tokens), breaks=() if has_times else tuple(breaks))


def _vosk(location: str, entry: dict[str, Any]) -> list[Token]:
    if entry.get("alternatives"):
        location = f"{location}: alternatives[0]"
        entry = _object(_list(entry, "alternatives", location)[0], location)
    if "result" not in entry:
        if entry.get("text"):
            raise TranscriptError(f"{location}: has no word times; call SetWords(True) of the Vosk recognizer.")
        return []
    return [_token(word, f"{location}: result[{n}]", "word") for n, word in enumerate(_list(entry, "result", location))]


def _own_format(location: str, entry: dict[str, Any]) -> ImportedTranscript:
    tokens = [_token(word, f"{location}: words[{n}]", "text") for n, word in enumerate(_list(entry, "words", location))]
    duration, _ = check_times(entry["duration"], entry["duration"], f"{location}: duration")
    return ImportedTranscript(Path(str(entry["path"])).name, "json", _complete(tokens), duration)


def _token(word: object, location: str, name: str) -> Token:
    fields = _object(word, location)
    text = fields.get(name, fields.get("text") if name == "word" else None)
    if not isinstance(text, str):
        raise TranscriptError(f'{location}: must have a text "{name}".')
    if name == "text" and not {"start", "end"} & fields.keys():
        raise TranscriptError(f"{location}: has no start and end.")
    start, end, mended = mend_times(fields.get("start"), fields.get("end"))
    scores = (fields.get(key) for key in ("score", "confidence", "conf", "probability"))
    score = next((score for score in scores if score is not None), None)
    confidence, mended_score = mend_confidence(score)
    alternatives = tuple(_alternatives(fields, location))
    return Token(text, start, end, confidence, location, alternatives, mended or mended_score, _voice(fields))


def _voice(fields: dict[str, Any]) -> str | None:
    """Speaker or channel of a word or segment, under any of its usual names."""
    values = (fields.get(name) for name in ("voice", "speaker", "speaker_id", "channel"))
    value = next((value for value in values if value not in (None, "")), None)
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else None


def _complete(tokens: list[Token]) -> tuple[Token, ...]:
    """Tokens of a recording; those without times divide the time between their neighbors."""
    return tuple(interpolate_times(tokens, 0.0, max((token.end or 0.0 for token in tokens), default=0.0)))


def _alternatives(word: dict[str, Any], location: str) -> Iterator[Alternative]:
    for item in _list(word, "alternatives", location) if word.get("alternatives") else ():
        fields = _object(item, f"{location}.alternatives")
        text = normalize(str(fields.get("text", "")))
        probability = check_confidence(fields.get("probability"), location)
        if text and " " not in text and probability is not None:
            yield Alternative(text, probability)


def _object(value: object, location: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TranscriptError(f"{location}: must be an object, not {str(value)[:40]!r}.")
    return value


def _list(entry: dict[str, Any], name: str, location: str) -> list[Any]:
    value = entry.get(name)
    if not isinstance(value, list):
        raise TranscriptError(f'{location}: "{name}" must be a list.')
    return value
