"""Sharding: several machines index one library, each the recordings of its shard, chosen by content.

Every machine scans all files. A recording belongs to one shard, wherever its files are and whatever their names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from indexer.ingest.crawl import Crawl, Missing, Relocation

_Change = TypeVar("_Change", Relocation, Missing)


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard ``number`` (from 1) of ``total``."""

    number: int
    total: int

    @staticmethod
    def parse(text: str) -> Shard:
        """The shard of a text like 3/10; ValueError for another text."""
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, flags=re.ASCII)
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise ValueError(f"{text!r} is not like 3/10, from 1/10 to 10/10")
        return Shard(int(match[1]), int(match[2]))

    def owns(self, recording_id: str) -> bool:
        """True if a recording, identified by the hash of its content, belongs to this shard."""
        return int(recording_id, 16) % self.total == self.number - 1

    def select(self, crawl: Crawl) -> Crawl:
        """The part of a crawl about recordings of this shard."""
        return replace(
            crawl,
            discoveries=tuple(discovery for discovery in crawl.discoveries if self.owns(discovery.id)),
            relocations=self._select(crawl.relocations),
            missing=self._select(crawl.missing),
            seen=tuple(recording for recording in crawl.seen if self.owns(recording.id)),
        )

    def _select(self, changes: Sequence[_Change]) -> tuple[_Change, ...]:
        return tuple(change for change in changes if self.owns(change.recording.id))


ALL = Shard(1, 1)
"""All recordings."""
