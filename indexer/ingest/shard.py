"""Several machines at one library: each takes the recordings that are its own, by their content.

Every machine looks through all files, and every recording has one owner, wherever it lies and whatever it is called.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from indexer.ingest.crawl import Crawl, Gone, Relocation

_Change = TypeVar("_Change", Relocation, Gone)


@dataclass(frozen=True, slots=True)
class Part:
    """The ``number``-th of ``total`` parts, the first being 1."""

    number: int
    total: int

    @staticmethod
    def parse(text: str) -> Part:
        """The part that is written like 3/10; ValueError for another text."""
        written = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, flags=re.ASCII)
        if written is None or not 1 <= int(written[1]) <= int(written[2]):
            raise ValueError(f"{text!r} is not like 3/10, from 1/10 to 10/10")
        return Part(int(written[1]), int(written[2]))

    def owns(self, recording_id: str) -> bool:
        """Whether a recording, known by the hash of its content, belongs to this part."""
        return int(recording_id, 16) % self.total == self.number - 1

    def of(self, found: Crawl) -> Crawl:
        """What of a crawl concerns recordings of this part."""
        return replace(
            found,
            discoveries=tuple(one for one in found.discoveries if self.owns(one.id)),
            relocations=self._changes(found.relocations),
            gone=self._changes(found.gone),
            seen=tuple(one for one in found.seen if self.owns(one.id)),
        )

    def _changes(self, changes: Sequence[_Change]) -> tuple[_Change, ...]:
        return tuple(change for change in changes if self.owns(change.recording.id))


WHOLE = Part(1, 1)
"""All recordings."""
