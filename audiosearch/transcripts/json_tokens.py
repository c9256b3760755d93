"""Words of the segments of a transcript in JSON, as tokens."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from audiosearch.errors import TranscriptError
from audiosearch.normalizer import normalize
from audiosearch.transcripts.imported import Token, is_by_word
from audiosearch.transcripts.json_documents import as_object
from audiosearch.transcripts.json_shapes import (
    CHANNELS,
    CONFIDENCES,
    LOG_PROBABILITIES,
    MARKS,
    NO_WORDS,
    SPEAKERS,
    TEXTS,
    canonical_name,
)
from audiosearch.transcripts.numbers import Fields, mend_confidence, mend_times, repaired, span, time_names, value_of
from audiosearch.types import Alternative, Seconds

Namer = Callable[[Fields], "str | None"]

MIN_LONG_WORD = 20.0
"""Words of such a mean length in whole numbers have times in milliseconds."""

_SPECIAL = re.compile(r"\s*(?:\[_\w+\]|<\|.*\|>)\s*")
"""Tokens of Whisper that are no text."""


_PIECE_SPACE = "\u2581"
"""Beginning of a word in pieces of SentencePiece."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment and its words, each with its location; words are None where they have a wrong shape."""

    location: str
    fields: Fields
    words: Sequence[tuple[str, Fields | None]]


def word_object(value: object) -> Fields | None:
    """A word, with the first of its alternatives if only they have texts, as of some services."""
    fields = as_object(value)
    others = None if fields is None or text_of(fields) is not None else fields.get("alternatives")
    best = others[0] if isinstance(others, list) and others else None
    return {**fields, **best} if fields is not None and isinstance(best, dict) else fields


def text_of(fields: Fields) -> str | None:
    """Text of a word or segment."""
    value = _first(fields, TEXTS)
    return value if isinstance(value, str) else None


def is_segment(value: object) -> bool:
    """True for an object with words, or with a text and a time."""
    fields = as_object(value)
    return fields is not None and (
        isinstance(fields.get("words"), list) or (text_of(fields) is not None and span(fields) != (None, None))
    )


def is_interim(fields: Fields) -> bool:
    """True for a result that later ones replace."""
    kind = str(fields.get("messagetype") or fields.get("message") or fields.get("type"))
    return fields.get("isfinal") is False or fields.get("final") is False or "partial" in kind.lower()


def unit_of(segments: Sequence[Segment]) -> Seconds:
    """Unit of times under names without one: milliseconds if words would be far too long, else seconds."""
    lengths = []
    for segment in segments:
        words = [fields for _, fields in segment.words if fields is not None]
        for fields in words or [segment.fields]:
            start, end = span(fields)
            if start is None or end is None:
                continue
            if not (start.is_integer() and end.is_integer()):
                return 1.0
            lengths.append((end - start) / max(len((text_of(fields) or "").split()), 1))
    return 0.001 if lengths and statistics.median(lengths) >= MIN_LONG_WORD else 1.0


def read_token(fields: Fields, location: str, unit: Seconds, voice: str | None, confidence: float | None) -> Token:
    """A word with its time and confidence, or that of its segment; TranscriptError if it has no text."""
    text = text_of(fields)
    if text is None:
        raise TranscriptError(f'{location}: must have a text "word".')
    names = time_names(fields)
    start, end = span(fields, unit)
    is_wrong = names is not None and any(
        time is None and names.unit is not math.nan and value_of(fields, name) is not None
        for time, name in ((start, names.start), (end, names.end))
    )
    if start is not None and end is not None:
        start, end, mended = mend_times(start, end)
        is_wrong |= mended
    elif (time := end if start is None else start) is not None and time < 0:
        start, end, is_wrong = (0.0, None, True)
    value, wrong_value = mend_confidence(_first(fields, CONFIDENCES))
    if value is None:
        value = _likelihood(fields)
    others = fields.get("alternatives")
    alternatives = tuple(_alternatives(others)) if isinstance(others, list) else ()
    value = confidence if value is None else value
    return Token(text, start, end, value, location, alternatives, is_wrong or wrong_value, voice)


def confidence_of(fields: Fields) -> float | None:
    """Confidence of a segment; None if it has none in range, as scores of some programs are not."""
    value, is_wrong = mend_confidence(_first(fields, CONFIDENCES))
    return _likelihood(fields) if value is None or is_wrong else value


def _likelihood(fields: Fields) -> float | None:
    mean = _first(fields, LOG_PROBABILITIES)
    return math.exp(mean) if _is_number(mean) and mean <= 0 and math.isfinite(mean) else None


def _first(fields: Fields, names: Sequence[str]) -> Any:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def read_words(segment: Segment, unit: Seconds, voice: Namer, faults: list[str]) -> list[Token]:
    """Words of a segment; those of a wrong shape are left out.

    Args:
        faults: gets a sentence for each that is left out.
    """
    tokens: list[Token] = []
    confidence = confidence_of(segment.fields)
    for location, fields in segment.words:
        if fields is None:
            faults.append(f"{location}: must be an object with a word and its times.")
            continue
        kind = canonical_name(str(fields.get("type")))
        if kind in NO_WORDS or canonical_name(str(fields.get("case"))) == "notfoundinaudio":
            if kind not in NO_WORDS:
                faults.append(f"{location}: {text_of(fields)!r} was not found in the audio.")
            continue
        try:
            token = read_token(fields, location, unit, voice({**segment.fields, **fields}), confidence)
        except TranscriptError as error:
            faults.append(str(error))
            continue
        if kind in MARKS and tokens:
            tokens[-1] = replace(tokens[-1], text=f"{tokens[-1].text}{token.text}".rstrip())
        elif kind not in MARKS:
            tokens.append(token)
    return _with_voices_of_neighbors(tokens)


def _with_voices_of_neighbors(tokens: list[Token]) -> list[Token]:
    """Words of a segment; those without a voice, as those that were not aligned, have that of the word before."""
    voice = next((token.voice for token in tokens if token.voice is not None), None)
    if voice is None:
        return tokens
    named = []
    for token in tokens:
        voice = token.voice or voice
        named.append(token if token.voice == voice else replace(token, voice=voice))
    return named


def join_pieces(tokens: Sequence[Token], *, by_spaces: bool = True) -> list[Token]:
    """Words of pieces; a piece that begins with a space begins a word.

    Args:
        by_spaces: False if pieces are single letters, and words are apart by pieces that are spaces.
    """
    groups: list[list[Token]] = []
    begins = True
    for token in tokens:
        if _SPECIAL.fullmatch(token.text) or not token.text:
            continue
        token = replace(token, text=token.text.replace(_PIECE_SPACE, " "))
        if begins or token.text[0].isspace() or token.voice != groups[-1][-1].voice:
            groups.append([])
        begins = not by_spaces and token.text.isspace()
        groups[-1].append(token)
    return [_joined(group) for group in groups]


def _joined(pieces: Sequence[Token]) -> Token:
    text = "".join(piece.text for piece in pieces)
    known = [piece.confidence for piece in pieces if piece.confidence is not None]
    return replace(
        pieces[0],
        text=text.strip(),
        end=max((piece.end for piece in pieces if piece.end is not None), default=None),
        confidence=sum(known) / len(known) if known else None,
        mended=any(piece.mended for piece in pieces),
    )


def voice_namer(segments: Sequence[Segment]) -> Namer:
    """Name of the voice of a word: its speaker, or its channel where there are several, or both."""
    pairs = {
        (_name(merged, SPEAKERS), _name(merged, CHANNELS))
        for segment in segments
        for merged in [segment.fields, *({**segment.fields, **fields} for _, fields in segment.words if fields)]
        if merged is not segment.fields or not segment.words
    }
    has_channels = len({channel for _, channel in pairs if channel is not None}) > 1
    is_distinct = len({speaker for speaker, _ in pairs}) == len(pairs) and all(speaker for speaker, _ in pairs)

    def name(fields: Fields) -> str | None:
        speaker, channel = _name(fields, SPEAKERS), _name(fields, CHANNELS)
        if channel is None or not has_channels or is_distinct:
            return speaker
        channel = f"channel {channel}" if channel.isdigit() else channel
        if speaker is None:
            return channel
        return f"{channel}, speaker {speaker}" if speaker.isdigit() else f"{channel}, {speaker}"

    return name


def voices_of(fields: Fields) -> Fields:
    """The speaker and channel of an object."""
    return {name: fields[name] for name in (*SPEAKERS, *CHANNELS) if fields.get(name) not in (None, "")}


def voice_of(fields: Fields) -> str | None:
    """The speaker of an object."""
    return _name(fields, SPEAKERS)


def _name(fields: Fields, names: Sequence[str]) -> str | None:
    for name in names:
        value = fields.get(name)
        if isinstance(value, dict):
            value = _first(value, ("name", "label", "id"))
        if isinstance(value, list) and value:
            value = value[0]
        is_unknown = value == "" or (name == "speakertag" and value == 0)  # Google counts from 1
        if isinstance(value, (str, int)) and not isinstance(value, bool) and not is_unknown:
            return None if value == "unknown" else repaired(str(value))
    return None


def _alternatives(items: Sequence[object]) -> Iterator[Alternative]:
    for item in items:
        if isinstance(item, dict):
            text = normalize(str(item.get("text") or ""))
            probability, _ = mend_confidence(item.get("probability"))
            if text and " " not in text and probability is not None:
                yield Alternative(text, probability)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def as_words(segments: Sequence[Segment]) -> list[Segment]:
    """One segment of segments of one word each; none if they have more."""
    if not is_by_word([text_of(segment.fields) or "" for segment in segments]):
        return []
    if all(span(segment.fields) == (None, None) for segment in segments):
        return []
    return [Segment(segments[0].location, {}, [(segment.location, segment.fields) for segment in segments])]


def joined_segment(segments: Sequence[Segment]) -> Segment:
    """One segment with the pieces of all, as a word may extend over two; pieces get the speakers of their segments."""
    words = [
        (location, None if fields is None else {**voices_of(segment.fields), **fields})
        for segment in segments
        for location, fields in segment.words
    ]
    return Segment(segments[0].location, {}, words)


def latest_segments(segments: list[Segment]) -> list[Segment]:
    """The last segment if it has all words again, with their speakers, which only it has; else all."""
    *before, last = segments
    has_speakers = [any(fields and voice_of(fields) for _, fields in segment.words) for segment in segments]
    return [last] if before and has_speakers[-1] and not any(has_speakers[:-1]) else segments


def are_letters(pieces: Sequence[Token]) -> bool:
    """True for single letters and the spaces between words, as of the timestamps of characters."""
    return any(piece.text == " " for piece in pieces) and all(len(piece.text) < 2 for piece in pieces)
