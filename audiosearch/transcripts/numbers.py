"""Times and confidences of transcripts in the names and notations of other programs, and the mending of wrong ones.

=================================================  ==============================
written                                            seconds
=================================================  ==============================
``1.2``, ``"1.2"``, ``"1.2s"``                     1.2 (times the unit if it has none)
``{"seconds": 1, "nanos": 200000000}``             1.2
``"00:00:01,200"``, ``"0:01.2"``                   1.2
``"PT1M1.2S"``                                     61.2
=================================================  ==============================
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audiosearch.types import Seconds

Fields = Mapping[str, Any]
"""An object whose names are canonical: without case and separators."""

Span = tuple[Seconds | None, Seconds | None]

MAX_TIME: Seconds = 1e6
"""Greater times are no times of recordings."""

_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d*)?)")
_ISO = re.compile(r"P(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d*)?)S)?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TimeNames:
    """Names of the times of a word; a dot leads into an object or a pair.

    Args:
        unit: of numbers; None: seconds, or milliseconds where words would be too long; nan: they count other things.
    """

    start: str
    end: str = ""
    duration: str = ""
    unit: Seconds | None = None


TIMES = (
    TimeNames("start", "end", "duration"),
    TimeNames("starttime", "endtime", "duration"),
    TimeNames("offsets.from", "offsets.to", unit=1e-3),
    TimeNames("timestamps.from", "timestamps.to"),
    TimeNames("timestamp.0", "timestamp.1"),
    TimeNames("timestamps.0", "timestamps.1"),
    TimeNames("startms", "endms", "durationms", 1e-3),
    TimeNames("offsetinticks", "", "durationinticks", 1e-7),
    TimeNames("offsetmilliseconds", "", "durationmilliseconds", 1e-3),
    TimeNames("offsetinseconds", "", "durationinseconds"),
    TimeNames("beginoffsetmillis", "endoffsetmillis", unit=1e-3),
    TimeNames("offset", "", "duration", 1e-7),
    TimeNames("startoffset", "endoffset", unit=math.nan),
    TimeNames("ts", "endts"),
    TimeNames("from", "to"),
    TimeNames("begin", "end", "duration"),
    TimeNames("startsec", "endsec"),
    TimeNames("b", "", "d"),
)
"""The first whose start an object has counts, or else the first whose end it has."""


def span(fields: Fields, unit: Seconds = 1.0) -> Span:
    """Start and end under any of the names of ``TIMES``; each is None if it is missing or no time.

    Args:
        unit: of numbers under names without one.
    """
    names = time_names(fields)
    if names is None:
        return None, None
    unit = unit if names.unit is None else names.unit
    start, end = (seconds(value_of(fields, name), unit) for name in (names.start, names.end))
    if end is None and start is not None and (length := seconds(value_of(fields, names.duration), unit)) is not None:
        end = start + length
    return start, end


def time_names(fields: Fields) -> TimeNames | None:
    """Names of the times of an object; None if it has none."""
    starts = (names for names in TIMES if value_of(fields, names.start) is not None)
    return next(starts, None) or next((names for names in TIMES if value_of(fields, names.end) is not None), None)


def value_of(fields: Fields, name: str) -> Any:
    """Value of a name, or of one in an object or pair; None if there is none."""
    outer, _, inner = name.partition(".")
    value = fields.get(outer)
    if not inner:
        return None if isinstance(value, list) else value
    if isinstance(value, list):
        return value[int(inner)] if inner.isdigit() and len(value) == 2 else None
    return value.get(inner) if isinstance(value, dict) else None


def seconds(value: object, unit: Seconds = 1.0) -> Seconds | None:
    """A time in any notation of the table; None if it is none.

    Args:
        unit: of a plain number.
    """
    if isinstance(value, dict):
        whole, rest = _number(value.get("seconds", 0)), _number(value.get("nanos", 0))
        return None if whole is None or rest is None else mend_number(whole + rest / 1e9)
    if isinstance(value, str):
        text = value.strip()
        if match := _CLOCK.fullmatch(text) or _ISO.fullmatch(text):
            hours, minutes, rest = (float((part or "0").replace(",", ".")) for part in match.groups())
            return mend_number(hours * 3600 + minutes * 60 + rest)
        if text[-1:] in ("s", "S"):
            return mend_number(text[:-1])
    number = _number(value)
    return None if number is None else mend_number(number * unit)


def mend_number(value: object) -> float | None:
    """A finite number, also one written as text; None if it is none."""
    number = _number(value)
    return number if number is not None and number <= MAX_TIME else None


def mend_times(start: object, end: object) -> tuple[Seconds | None, Seconds | None, bool]:
    """Start and end from a file, and whether they had to be mended; both None if neither is a time."""
    first, last = mend_number(start), mend_number(end)
    if first is None and last is None:
        return None, None, start is not None or end is not None
    begin = max(0.0, last if first is None and last is not None else first or 0.0)
    stop = max(begin, begin if last is None else last)
    return begin, stop, (begin, stop) != (first, last)


def mend_confidence(value: object) -> tuple[float | None, bool]:
    """A confidence from a file in [0, 1], or None, and whether it had to be mended."""
    number = mend_number(value)
    if number is None or not -0.1 <= number <= 1.1:
        return None, value is not None
    return min(max(number, 0.0), 1.0), not -0.001 <= number <= 1.001


def repaired(text: str) -> str:
    """Text of which bytes were no UTF-8 and are escaped: UTF-8 if they are now, or else Windows-1252."""
    if text.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in text):
        return text
    data = text.encode("utf-8", "surrogateescape")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
