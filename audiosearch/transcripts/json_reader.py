"""Transcripts in JSON by programs and services, in the shapes of ``json_shapes.py``.

A file may hold several values one after the other, on separate lines or not, as streaming programs write them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audiosearch.errors import TranscriptError
from audiosearch.transcripts.imported import (
    ALIGN,
    ImportedTranscript,
    Token,
    complete_times,
    interpolate_times,
)
from audiosearch.transcripts.json_documents import as_object, read_documents, with_parallel_lists
from audiosearch.transcripts.json_shapes import (
    HINTS,
    SHAPES,
    STREAMED,
    WORDS,
    Shape,
    canonical,
    shape_of,
    value_at,
    walk,
)
from audiosearch.transcripts.json_tokens import (
    Segment,
    are_letters,
    as_words,
    confidence_of,
    is_interim,
    is_segment,
    join_pieces,
    joined_segment,
    latest_segments,
    read_words,
    text_of,
    unit_of,
    voice_namer,
    voice_of,
    word_object,
)
from audiosearch.transcripts.numbers import mend_number, mend_times, repaired, span
from audiosearch.transcripts.turns import with_speakers
from audiosearch.types import Seconds

MAX_DEPTH = 3
"""Depth of objects around a transcript, such as the answer of a service."""


@dataclass(frozen=True, slots=True)
class _Document:
    """A value of the file with canonical names; its shape is None if it is a segment or unknown."""

    location: str
    value: Any
    shape: Shape | None


def read_json(path: Path, text: str, *, word_times: bool = True) -> list[ImportedTranscript]:
    """Transcripts of the recordings of a file.

    Args:
        word_times: refuse a file in which only segments have times.

    Raises:
        TranscriptError: the file is not JSON, of no known kind, or has no word times.
    """
    faults: list[str] = []
    return read_values(path, read_documents(path, text, faults), faults, word_times=word_times)


def read_values(
    path: Path, values: list[tuple[str, Any]], faults: list[str], *, word_times: bool, segments: Shape = WORDS
) -> list[ImportedTranscript]:
    """Transcripts of the recordings of values, each with its location.

    Args:
        faults: sentences on what is left out.
        segments: shape of values that are segments.

    Raises:
        TranscriptError: the values are of no known kind, or have no word times.
    """
    documents = [_document(location, canonical(value)) for location, value in _entries(values)]
    if not documents:
        raise TranscriptError(f"{path}: holds no transcript.")
    known = {document.shape.title: document.shape for document in documents if document.shape not in (None, WORDS)}
    if len(known) > 1:
        raise TranscriptError(f"{path}: holds transcripts of several kinds ({', '.join(known)}); give a file for each.")
    if known:
        faults += [f"{other.location}: is no transcript." for other in documents if not _belongs(other)]
        documents = [document for document in documents if document.shape is not None or _has_text(document)]
    elif not any(is_segment(document.value) for document in documents):
        raise TranscriptError(_unknown(path, values[0][1], documents[0]))
    (shape,) = known.values() or (segments,)
    groups = _groups(documents, shape)
    is_list = shape is segments and any(span(as_object(document.value) or {}) != (None, None) for document in documents)
    if len(groups[0]) > 1 and shape.kind not in STREAMED and not is_list:
        raise TranscriptError(f"{path}: holds {len(documents)} transcripts without names; give a file for each.")
    transcripts = []
    for group in groups:
        left_out: list[str] = []
        try:
            tokens, breaks = _tokens(path, group, shape, left_out, word_times)
        except TranscriptError as error:
            faults.append(str(error))
            continue
        faults += left_out
        transcripts.append(
            ImportedTranscript(
                _recording_name(group[0].value) if shape.kind == "json" or len(groups) > 1 else "",
                shape.kind,
                tuple(tokens),
                mend_number(group[0].value.get("duration")) if shape.kind == "json" else None,
                breaks,
                _language(group[0].value),
            )
        )
    if not transcripts:
        raise TranscriptError(faults[-1])
    transcripts[0] = replace(transcripts[0], faults=tuple(faults))
    return transcripts


def _groups(documents: list[_Document], shape: Shape) -> list[list[_Document]]:
    """Documents of each recording, if all have names of recordings; else they are of one."""
    if shape.kind == "json":
        return [[document] for document in documents]
    groups: dict[str, list[_Document]] = {}
    for document in documents:
        groups.setdefault(_recording_name(document.value), []).append(document)
    return [documents] if "" in groups else list(groups.values())


def _entries(values: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The values, or the items of the only list, each with its location."""
    if len(values) != 1 or not isinstance(values[0][1], list):
        return values
    ((location, items),) = values
    is_nested = bool(items) and isinstance(items[0], list) and bool(items[0]) and as_object(items[0]) is None
    if is_nested and all(isinstance(item, (dict, list)) for item in items[0]):  # segments, and information on them
        location, items = f"{location}[0]", items[0]
    return [(f"{location}[{number}]", item) for number, item in enumerate(items)]


def _document(location: str, value: Any, depth: int = 0) -> _Document:
    """A value, or the transcript in it, with its shape."""
    if isinstance(value, dict):
        value = with_parallel_lists(value)
    shape = shape_of(value) if isinstance(value, dict) else None
    if shape is not None or not isinstance(value, dict) or is_segment(value) or depth == MAX_DEPTH:
        return _Document(location, value, shape)
    for name, item in value.items():
        inner = _document(f"{location}: {name}", item, depth + 1)
        if inner.shape is not None:
            return inner
        if isinstance(item, list) and any(map(is_segment, item)):
            return _Document(f"{location}: {name}", {"segments": item}, shape_of({"segments": []}))
    return _Document(location, value, None)


def _belongs(document: _Document) -> bool:
    """False for a value that is no transcript, nor a message of a stream, such as one of progress."""
    messages = {"type", "event", "message", "partial", "text"}
    return document.shape is not None or (isinstance(document.value, dict) and bool(messages & document.value.keys()))


def _has_text(document: _Document) -> bool:
    return isinstance(document.value, dict) and bool(document.value.get("text"))


def _unknown(path: Path, raw: Any, document: _Document) -> str:
    if _has_text(document):
        return f"{path}: is JSON with a text, but without times of words; {HINTS['vosk']}, or ask the service for them."
    titles = ", ".join(dict.fromkeys(shape.title for shape in SHAPES if shape != WORDS))
    what = f"with the names {', '.join(map(str, list(raw)[:8]))}" if isinstance(raw, dict) and raw else "without names"
    return f"{path}: is JSON {what}, but not a transcript by {titles} or a program of the same form."


def _recording_name(value: Any) -> str:
    names = ("path", "audiofilepath", "audiofilename", "filename", "file", "audio")
    values = (value.get(name) for name in names) if isinstance(value, dict) else ()
    return Path(next((name for name in values if isinstance(name, str)), "")).name


def _language(value: Any) -> str | None:
    codes = (value_at(value, path) for path in ("language", "languagecode", "result.language"))
    return next((code for code in codes if isinstance(code, str)), None)


def _segments(document: _Document, shape: Shape, faults: list[str]) -> Iterator[Segment]:
    """Segments of a document, with the speakers and channels of the objects around them."""
    container, _, name = shape.words.removesuffix("[]").rpartition(".")
    for place, value, voices in walk(document.value, shape.segments):
        location = f"{document.location}: {place}" if place else document.location
        fields = as_object(value)
        if fields is None:
            faults.append(f"{location}: is not a segment.")
            continue
        inner = value_at(fields, container)
        words = inner.get(name) if isinstance(inner, dict) and name else None
        fields = {**voices, **fields, **(inner if container and isinstance(inner, dict) else {})}
        if is_interim(fields) or is_interim(document.value if isinstance(document.value, dict) else {}):
            continue
        prefix = ": " if location == document.location else "."
        prefix = f"{location}{prefix}{container}{'.' if container else ''}{name}"
        items = words if isinstance(words, list) else ()
        yield Segment(
            location, fields, [(f"{prefix}[{number}]", word_object(item)) for number, item in enumerate(items)]
        )


def _tokens(
    path: Path, documents: Sequence[_Document], shape: Shape, faults: list[str], word_times: bool
) -> tuple[Sequence[Token], tuple[Seconds, ...]]:
    """Words of a recording, and the ends of its segments if only they have times."""
    segments = [part for document in documents for part in _segments(document, document.shape or WORDS, faults)]
    if not any(segment.words for segment in segments):
        segments = _beside(documents[0]) or as_words(segments) or segments
    elif shape.kind == "google":
        segments = latest_segments(segments)
    elif shape.is_joined and all(segment.words or not text_of(segment.fields) for segment in segments):
        segments = [joined_segment(segments)]
    names = {part.removesuffix("[]").rpartition(".")[2] for part in (shape.words, WORDS.words)}
    if segments and not any(
        segment.words or text_of(segment.fields) is not None or any(name in segment.fields for name in names)
        for segment in segments
    ):
        raise TranscriptError(faults[0] if faults else _unknown(path, segments[0].fields, documents[0]))
    unit, voice = unit_of(segments), voice_namer(segments)
    tokens: list[Token] = []
    breaks: list[Seconds] = []
    has_times = False
    for segment in segments:
        pieces = read_words(segment, unit, voice, faults)
        if segment.words and (shape.is_joined or are_letters(pieces)):
            pieces = join_pieces(pieces, by_spaces=shape.is_joined)
        pieces = complete_times(pieces)
        has_times |= any(piece.start is not None for piece in pieces)
        if not segment.words and (text := text_of(segment.fields)):
            if shape.kind == "vosk":
                raise TranscriptError(f"{segment.location}: has no word times; {HINTS['vosk']}.")
            score, speaker = confidence_of(segment.fields), voice(segment.fields)
            pieces = [Token(word, None, None, score, segment.location, voice=speaker) for word in text.split()]
        if any(piece.start is None for piece in pieces):
            pieces, end = _interpolated(segment, pieces, unit, tokens)
            breaks.append(end)
        tokens += pieces
    if faults and not (has_times if word_times else tokens):
        raise TranscriptError(faults[0])
    if tokens and not has_times and word_times:
        what = f"a transcript by {shape.title}" if shape in SHAPES and shape != WORDS else shape.title
        hint = HINTS.get(shape.kind, "ask for them")
        raise TranscriptError(f"{path}: is {what} without word times; {hint}, or {ALIGN}.")
    if all(token.confidence == 0 for token in tokens):  # zeros of services that compute none
        tokens = [replace(token, confidence=None) for token in tokens]
    tokens = [token if token.text.isascii() else replace(token, text=repaired(token.text)) for token in tokens]
    return with_speakers(tokens, _turns(documents, shape)), () if has_times else tuple(breaks)


def _turns(documents: Sequence[_Document], shape: Shape) -> Iterator[tuple[Seconds, Seconds, str | None]]:
    """Start, end and speaker of each of the turns that are listed beside the words."""
    for document in documents if shape.turns else ():
        for _, value, voices in walk(document.value, shape.turns):
            start, end = span(value) if isinstance(value, dict) else (None, None)
            if start is not None and end is not None:
                yield start, end, voice_of(voices)


def _beside(document: _Document) -> list[Segment]:
    """The words beside the segments, as of services like OpenAI's."""
    words = value_at(document.value, "words")
    return list(_segments(document, WORDS, [])) if isinstance(words, list) and words else []


def _interpolated(
    segment: Segment, pieces: list[Token], unit: Seconds, before: Sequence[Token]
) -> tuple[list[Token], Seconds]:
    """Words of a segment of which some have no time, and its end; they divide the remaining time."""
    timed = [piece for piece in pieces if piece.end is not None]
    start, end = span(segment.fields, unit)
    start, end, _ = mend_times(start, end)
    if start is None or end is None:
        start = before[-1].end if before and before[-1].end is not None else 0.0
        end = max((piece.end for piece in timed if piece.end is not None), default=start)
    return interpolate_times(pieces, start, end), end
