"""Corrections as JSON records, and in the few bytes that a store keeps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from audiosearch.transcripts.turns import by_time
from audiosearch.types import Word
from indexer import word_codec
from indexer.corrections import CorrectedWords, Correction


def correction_records(words: CorrectedWords) -> list[dict[str, object]]:
    """Corrections as JSON objects, with the position of their first word in the transcript if they are in place."""
    positions: dict[Correction, list[int]] = {}
    for position, entry in enumerate(words.entries):
        if entry.correction is not None:
            positions.setdefault(entry.correction, []).append(position)
    return [
        {
            "number": each.number,
            "state": "aside" if each.first is None else "in place",
            "word": positions[each][0] if each in positions else None,
            "words": len(positions.get(each, ())),
            "start": each.start,
            "end": each.end,
            "recognized": each.recognized,
            "text": each.text,
            "edited": each.edited,
            **({} if each.voice is None else {"voice": each.voice}),
        }
        for each in words.corrections
    ]


def pack_corrections(words: CorrectedWords) -> str:
    """Corrections as JSON, without the recognized words."""
    return json.dumps(
        {
            "given": words.given,
            "revised": words.revised,
            "corrections": [asdict(correction) for correction in words.corrections],
        }
    )


def unpack_corrections(packed: str, recognized: Iterable[Word]) -> CorrectedWords:
    """Corrections of the output of ``pack_corrections``."""
    record = json.loads(packed)
    corrections = tuple(Correction(**correction) for correction in record["corrections"])
    return CorrectedWords(tuple(recognized), corrections, record["given"], record["revised"])


def pack_recognized(words: Sequence[Word]) -> bytes:
    """Words in order of time, in few bytes."""
    parts = (
        word_codec.deflate(word_codec.pack_text(words).encode()),
        word_codec.pack_times(words),
        word_codec.deflate(word_codec.pack_confidences(words)),
        word_codec.pack_alternatives(words),
    )
    return b"".join(len(part).to_bytes(4, "little") + part for part in parts)


def unpack_recognized(packed: bytes) -> tuple[Word, ...]:
    """Words of the output of ``pack_recognized``."""
    parts = []
    while packed:
        end = 4 + int.from_bytes(packed[:4], "little")
        parts.append(packed[4:end])
        packed = packed[end:]
    text, times, confidences, alternatives = parts
    words = word_codec.unpack(
        word_codec.inflate(text).decode(), times, word_codec.inflate(confidences), alternatives=alternatives
    )
    return tuple(by_time(words))
