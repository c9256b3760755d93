"""Places between hits, as text that goes to the user and comes back with the next question."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Generic

from audiosearch.errors import QueryError
from indexer.matching.match import Key
from indexer.types import Order

Choice = tuple[int, Key, int, int]
"""Grade, recording, first and last position: a hit's place among those from which blocks are taken."""

Place = tuple[int, str, str, int, int]
"""Time of modification or confidence, path, id, first and last position: a hit's place in the order."""


@dataclass(frozen=True, slots=True)
class Cursor(Generic[Key]):
    """Where a page ended.

    Args:
        order: of the hits.
        start: last hit of the block before; None: this is the first block.
        end: last hit of the block; None: it goes to the end of all hits, or is not begun yet.
        place: last hit of the page; None: the block is not begun yet.
    """

    order: Order
    start: Choice[Key] | None = None
    end: Choice[Key] | None = None
    place: Place | None = None

    def text(self) -> str:
        """Letters, digits, - and _ only, and a letter first."""
        plain = json.dumps([self.order, self.start, self.end, self.place], separators=(",", ":"))
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def read_cursor(text: str, order: Order, key: type[Key]) -> Cursor[Key]:
    """The cursor that was written.

    Args:
        order: that the hits have now.
        key: what the store knows recordings by.

    Raises:
        QueryError: it was not written so, or by another kind of store, or for another order.
    """
    try:
        if len(text) % 4 == 1 or not text.isascii():
            raise ValueError("no base64")
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        written = json.loads(plain)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _no_cursor(text) from error
    place = (int, str, str, int, int)
    choice = (int, key, int, int)
    if not isinstance(written, list) or len(written) != 4:
        raise _no_cursor(text)
    name, *rest = written
    if not all(one is None or _is(one, kinds) for one, kinds in zip(rest, (choice, choice, place), strict=True)):
        raise _no_cursor(text)
    if name not in ("confidence", "time"):
        raise _no_cursor(text)
    if name != order:
        raise QueryError(f"the page to go on after is in the order of {name}, and these hits are in that of {order}")
    return Cursor(order, *(None if one is None else tuple(one) for one in rest))


def _is(written: Any, kinds: tuple[type, ...]) -> bool:
    """Whether a list holds values of these kinds."""
    return isinstance(written, list) and [type(one) for one in written] == list(kinds)


def _no_cursor(text: str) -> QueryError:
    shown = text if len(text) <= 40 else text[:39] + "…"
    return QueryError(f'"{shown}" names no place among the hits: give what the page before said, whole')
