"""Cursors: the end of a page of hits, as text that is returned with the page and given for the next one.

The text is JSON in base64, whose first value is the kind of hits, by words or by sound.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Generic, Literal, cast, get_args

from audiosearch.errors import QueryError
from indexer.matching.match import Key
from indexer.types import Order

Kind = Literal["words", "sound"]

BlockPosition = tuple[int, Key, int, int]
"""Grade, recording, first and last position: position of a hit in the order from which blocks are taken."""

HitPosition = tuple[int, str, str, int, int]
"""Rank of the recording (``recording_rank``) or negative confidence, path, id, first and last position of a hit."""

SoundPosition = tuple[float, str, str, float, float]
"""The same for a hit by sound, with start and end in seconds."""

_ORDERS = get_args(Order)


@dataclass(frozen=True, slots=True)
class Cursor(Generic[Key]):
    """End of a page of hits by words.

    Args:
        order: of the hits.
        start: last hit of the block before; None: this is the first block.
        end: last hit of the block; None: the block goes to the end of all hits, or is not begun yet.
        last: last hit of the page; None: the block is not begun yet.
    """

    order: Order
    start: BlockPosition[Key] | None = None
    end: BlockPosition[Key] | None = None
    last: HitPosition | None = None

    def text(self) -> str:
        """Letters, digits, - and _ only, and a letter first."""
        return _encode(["words", self.order, self.start, self.end, self.last])


@dataclass(frozen=True, slots=True)
class SoundCursor:
    """End of a page of hits by sound, or by words and sound.

    Args:
        order: of the hits.
        last: last hit of the page.
    """

    order: Order
    last: SoundPosition

    def text(self) -> str:
        """Letters, digits, - and _ only, and a letter first."""
        return _encode(["sound", self.order, self.last])


def cursor_kind(text: str) -> Kind:
    """Kind of hits that a cursor belongs to; raises QueryError for any other text."""
    return cast("Kind", _decode(text)[0])


def read_cursor(text: str, order: Order, key: type[Key]) -> Cursor[Key]:
    """Parse the text of a ``Cursor``.

    Args:
        order: of the hits of this query.
        key: type of the store's keys of recordings.

    Raises:
        QueryError: the text is invalid, or was written by another kind of store or for another order.
    """
    kind, written_order, *positions = _decode(text)
    block = (int, key, int, int)
    types = (block, block, (int, str, str, int, int))
    if kind != "words" or len(positions) != len(types):
        raise _no_cursor(text)
    if not all(
        position is None or _has_types(position, expected) for position, expected in zip(positions, types, strict=True)
    ):
        raise _no_cursor(text)
    _check_order(written_order, order)
    return Cursor(order, *(None if position is None else tuple(position) for position in positions))


def read_sound_cursor(text: str, order: Order) -> SoundCursor:
    """Parse the text of a ``SoundCursor``; raises QueryError as ``read_cursor`` does."""
    kind, written_order, *positions = _decode(text)
    if kind != "sound" or len(positions) != 1 or not isinstance(positions[0], list) or len(positions[0]) != 5:
        raise _no_cursor(text)
    rank, path, identity, start, end = positions[0]
    if not all(type(number) in (int, float) for number in (rank, start, end)):
        raise _no_cursor(text)
    if not (isinstance(path, str) and isinstance(identity, str)):
        raise _no_cursor(text)
    _check_order(written_order, order)
    return SoundCursor(order, (float(rank), path, identity, float(start), float(end)))


def _encode(values: list[Any]) -> str:
    plain = json.dumps(values, separators=(",", ":"))
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _decode(text: str) -> list[Any]:
    """Kind, order and positions of a cursor."""
    try:
        if len(text) % 4 == 1 or not text.isascii():
            raise ValueError("no base64")
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        values = json.loads(plain)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _no_cursor(text) from error
    if not isinstance(values, list) or len(values) < 3 or values[0] not in ("words", "sound"):
        raise _no_cursor(text)
    if values[1] not in _ORDERS:
        raise _no_cursor(text)
    return values


def _check_order(written: str, order: Order) -> None:
    if written != order:
        raise QueryError(f"the cursor belongs to hits in the order of {written}, and these are in the order of {order}")


def _has_types(value: Any, types: tuple[type, ...]) -> bool:
    """Return whether a value is a list of values of these types."""
    return isinstance(value, list) and [type(item) for item in value] == list(types)


def _no_cursor(text: str) -> QueryError:
    shown = text if len(text) <= 40 else text[:39] + "…"
    return QueryError(f'"{shown}" is not a cursor: give the whole text that was printed with the previous page')
