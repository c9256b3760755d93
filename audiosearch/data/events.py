"""Reports on the preparation of data: progress of decoding, utterances that are left out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decoding:
    """Progress of decoding a set's audio into the cache."""

    name: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Utterances that are not used, with the first few by id or path."""

    name: str
    reason: str
    count: int
    total: int
    examples: tuple[str, ...]
