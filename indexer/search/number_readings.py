"""Readings of numbers: 2004 is two thousand (and) four, twenty oh four, or two zero zero four.

The normalizer knows one reading of each number, which is the first here. A number that is given in words is read back
to digits, and has the other readings of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from audiosearch.normalizer import normalize

MAX_DIGITS = 20
"""Digits of a number beyond which it has no other readings."""

_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES = {word: value for value, word in enumerate(_UNITS)} | {word: 10 * ten for ten, word in enumerate(_TENS, 2)}
_VALUES["oh"] = 0
_SCALES = {"thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_PARTS = {"5": "a half", "25": "a quarter", "75": "three quarters"}


@lru_cache(maxsize=4096)
def integer_readings(digits: str) -> tuple[str, ...]:
    """Readings of a whole number, the normalizer's first; commas group the digits of a quantity."""
    plain = digits.replace(",", "")
    readings = [normalize(digits)]
    if len(plain) > MAX_DIGITS:
        return tuple(readings)
    if (len(plain) > 1 and plain[0] == "0") or len(plain) > 9:
        return _distinct([*readings, *_one_by_one(plain)])
    readings += _quantities(plain)
    if len(plain) in (3, 4):
        readings += _pairs(plain)
    readings += _with_a(readings)
    if len(plain) > 2 and digits == plain:
        readings += _one_by_one(plain)
    return _distinct(readings)


def ordinal_readings(digits: str) -> tuple[str, ...]:
    """Readings of the ordinal of a number, the normalizer's first."""
    ordinal = normalize(f"{digits}th")
    readings = [ordinal, ordinal.replace(" and ", " ")]
    return _distinct([*readings, *_with_a(readings)])


def decimal_readings(whole: str, part: str) -> tuple[str, ...]:
    """Readings of a number with digits after the point, the normalizer's first; ``whole`` may be empty."""
    readings = [normalize(f"{whole}.{part}")]
    wholes = integer_readings(whole)[:3] if whole.strip("0") else ("zero", "oh", "")
    ends = [f"point {' '.join(map(normalize, part))}"]
    ends += [ends[0].replace("zero", "oh")]
    if len(part) == 2 and part[0] != "0":
        ends.append(f"point {normalize(part)}")
    if part in _PARTS and whole.strip("0"):
        ends.append(f"and {_PARTS[part]}")
    readings += [f"{beginning} {end}".strip() for end in ends for beginning in wholes]
    return _distinct(readings)


def number_readings(whole: str, part: str | None) -> tuple[str, ...]:
    """Readings of a number with or without digits after the point."""
    return integer_readings(whole) if part is None else decimal_readings(whole, part)


def phone_readings(groups: Sequence[str]) -> tuple[str, ...]:
    """Readings of a number of which the digits are read one by one, as in 1-800-555-0123."""
    readings = [*_one_by_one("".join(groups))]
    hundreds = (
        normalize(group) if len(group) == 3 and group.endswith("00") and group[0] != "0" else _one_by_one(group)[0]
        for group in groups
    )
    return _distinct([*readings, " ".join(hundreds)])


def respoken(words: Sequence[str]) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Runs of words that are a number: first word, end, and the other readings of that number."""
    first = 0
    while first < len(words):
        end = first
        while end < len(words) and (words[end] in _VALUES or words[end] in _SCALES or words[end] in _LINKS):
            end += 1
        while end > first and words[end - 1] in ("and", "a"):
            end -= 1
        while first < end and (words[first] == "and" or (words[first] == "a" and words[first + 1] not in _AFTER_A)):
            first += 1
        if end - first > 1:
            spoken = " ".join(words[first:end])
            for digits in _digits_of(words[first:end]):
                readings = integer_readings(digits)
                if spoken in readings:
                    yield first, end, tuple(reading for reading in readings if reading != spoken)
                    break
        first = max(end, first) + 1


_AFTER_A = ("hundred", *_SCALES)
_LINKS = ("and", "a", "hundred")


def _digits_of(words: Sequence[str]) -> Iterator[str]:
    """Numbers that the words may be, as digits: as a quantity, and one after the other."""
    total = current = 0
    text, previous = "", 0
    for word in words:
        if word in _SCALES:
            total += (current or 1) * _SCALES[word]
            current = 0
        elif word == "hundred":
            current = (current or 1) * 100
        elif word in _VALUES:
            current += _VALUES[word]
            digits = str(_VALUES[word])
            is_unit = 0 < _VALUES[word] < 10 and len(text) > 1 and text[-1] == "0" and previous >= 20
            text = text[:-1] + digits if is_unit else text + digits
        previous = _VALUES.get(word, 0)
    yield str(total + current)
    yield text


def _quantities(digits: str) -> list[str]:
    quantity = normalize(f"{int(digits):,}")
    return [quantity, quantity.replace(" and ", " ")]


def _pairs(digits: str) -> list[str]:
    """Readings by pairs of digits: seven forty seven, twenty oh four, fifteen hundred."""
    head, tail = digits[:-2], digits[-2:]
    beginning = normalize(head)
    hundreds = len(head) == 1 or head[1] != "0"
    if tail == "00":
        return [f"{beginning} hundred"] if hundreds else []
    readings = [f"{beginning} {normalize(tail) if tail[0] != '0' else 'oh ' + normalize(tail[1])}"]
    if hundreds and len(head) == 2:
        readings += [
            f"{beginning} hundred and {normalize(str(int(tail)))}",
            f"{beginning} hundred {normalize(str(int(tail)))}",
        ]
    return readings


def _one_by_one(digits: str) -> list[str]:
    zeros = " ".join(map(normalize, digits))
    readings = [zeros, zeros.replace("zero", "oh")]
    if digits.startswith("00"):
        readings.append(f"double oh {' '.join(map(normalize, digits[2:]))}".strip())
    return readings


def _with_a(readings: Iterable[str]) -> list[str]:
    return [
        f"a {reading[4:]}" for reading in readings if reading.startswith(("one hundred", "one thousand", "one million"))
    ]


def _distinct(readings: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(readings))
