"""Records of data preparation: progress of decoding, and utterances that are left out."""

from __future__ import annotations

from dataclasses import dataclass

NO_TEXT = "nothing is left of the text after normalizing"
"""Reason for leaving out an utterance."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """Recordings of a set that are decoded into the cache, of ``total`` to decode."""

    name: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Utterances that are not used, with ids or paths of the first few."""

    name: str
    reason: str
    count: int
    total: int
    examples: tuple[str, ...]
