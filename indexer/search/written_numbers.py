"""Numbers in typed text, in all their usual readings: money, times, dates, units, fractions.

The text is normalized once for each reading of its numbers. Numbers that no pattern matches keep the reading of the
normalizer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import product

from audiosearch.normalizer import SCALE, SCALES, normalize
from indexer.search.number_readings import integer_readings, number_readings, ordinal_readings, phone_readings
from indexer.search.units import SYMBOLS, unit_readings

MAX_READINGS = 16
"""Readings of a text, its own included."""

MAX_READINGS_OF_NUMBER = 12
"""Readings of a number among several of a text."""

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october"),
    *("november", "december"),
)
_MONTH = r"(?P<month>jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|" + "|".join(_MONTHS) + r")\b\.?"
_CURRENCIES = {
    "$": ("dollars", "dollar", "cents", "bucks"),
    "£": ("pounds", "pound", "pence", "quid"),
    "€": ("euros", "euro", "cents", "euro"),
    "¥": ("yen", "yen", "sen", "yen"),
    "₹": ("rupees", "rupee", "paise", "rupees"),
}
_FRACTIONS = {2: "half", 3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 8: "eighth", 10: "tenth"}

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)"
_AMOUNT = rf"(?P<whole>{_NUMBER})?(?:(?<=\d)\.(?P<part>\d+)|(?<![\d.])\.(?P<only>\d+)|(?<=\d))(?!\.?\d)"
_ALONE = r"(?<![\w.,:/])"
_UNIT = " ?(?P<unit>" + "|".join(sorted(map(re.escape, SYMBOLS), key=len, reverse=True)) + r")(?![\w/])"

Readings = Sequence[str]


def readings(text: str) -> list[str]:
    """Text with its numbers in words, in each of their other readings, the usual first; empty if there are none."""
    text = _plain(text)
    parts: list[Readings] = []
    end = 0
    for start, stop, words in _numbers(text):
        parts += [(text[end:start],), (text[start:stop], *words[:MAX_READINGS_OF_NUMBER])]
        end = stop
    parts.append((text[end:],))
    found: dict[str, str] = {}
    choices = product(*(range(len(options)) for options in parts)) if _combinations(parts) <= 5000 else _one_each(parts)
    for choice in sorted(choices, key=sum):
        chosen = [
            options[index] if not index else f" {options[index]} " for options, index in zip(parts, choice, strict=True)
        ]
        spoken = "".join(chosen)
        found.setdefault(normalize(spoken), spoken)
        if len(found) == MAX_READINGS:
            break
    found.pop(normalize(text), None)
    return list(found.values())


def _combinations(parts: Sequence[Readings]) -> int:
    count = 1
    for options in parts:
        count *= len(options)
    return count


def _one_each(parts: Sequence[Readings]) -> Iterator[tuple[int, ...]]:
    """Choices in which one number has another reading."""
    for place, options in enumerate(parts):
        for index in range(len(options)):
            yield tuple(index if other == place else 0 for other in range(len(parts)))


def _plain(text: str) -> str:
    """Lower case, with fractions and digits of other scripts as ASCII."""
    text = "".join(f" {c}" if "VULGAR" in unicodedata.name(c, "") else c for c in text)
    text = unicodedata.normalize("NFKC", text).lower().replace("⁄", "/").replace("−", "-")
    return "".join(str(unicodedata.decimal(c)) if unicodedata.decimal(c, None) is not None else c for c in text)


def _numbers(text: str) -> Iterator[tuple[int, int, Readings]]:
    """Start, end and readings of the numbers of a text, in order, none within another."""
    position = 0
    while match := re.compile(_START).search(text, position):
        position = match.end()
        for pattern, reader in _READERS:
            found = re.compile(pattern).match(text, match.start())
            if found and found.end() > match.start() and not text.startswith("*", found.end()):
                words = [reading for reading in dict.fromkeys(reader(found)) if reading]
                if words:
                    yield match.start(), found.end(), words
                    position = found.end()
                    break
        else:
            while position < len(text) and (text[position].isdigit() or text[position] == ","):
                position += 1


def _amounts(match: re.Match[str]) -> Readings:
    """Readings of the number of ``_AMOUNT``."""
    return number_readings(match["whole"] or "", match["part"] or match["only"])


def _spaced(match: re.Match[str]) -> Readings:
    return integer_readings(match["whole"].replace(" ", ","))


def _iso_date(match: re.Match[str]) -> Readings:
    return _date(int(match[3]), int(match[2]), match[1])


def _short_date(match: re.Match[str]) -> Readings:
    first, second, year = int(match[1]), int(match[3]), match[4]
    return [*_date(second, first, year), *(_date(first, second, year) if first != second else ())]


def _named_date(match: re.Match[str]) -> Readings:
    month = next(number for number, name in enumerate(_MONTHS, 1) if name.startswith(match["month"][:3]))
    return _date(int(match["day"]), month, match["year"])


def _date(day: int, month: int, year: str | None) -> list[str]:
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return []
    name, ordinal, number = _MONTHS[month - 1], normalize(f"{day}th"), normalize(str(day))
    forms = [
        f"{name} {ordinal}",
        f"{ordinal} of {name}",
        f"{name} {number}",
        f"{name} the {ordinal}",
        f"{number} {name}",
    ]
    if year is None:
        return forms
    years = integer_readings(year)[:3] if len(year) == 4 else [normalize(year)]
    dated = [f"{form} {years[0]}" for form in forms] + [f"{form} {other}" for other in years[1:] for form in forms[:2]]
    return [*dated[:3], *forms[:2], *dated[3:7], forms[2]]


def _money(match: re.Match[str]) -> Readings:
    plural, singular, small, colloquial = _CURRENCIES[match["currency"]]
    amounts, part = _amounts(match), match["part"]
    if match["scale"]:
        scale = SCALES.get(match["scale"], match["scale"])
        return [
            *(f"{amount} {scale} {plural}" for amount in amounts),
            *(f"{amount} {scale} {ending}".strip() for amount in amounts[:3] for ending in (singular, "")),
            f"{amounts[0]} {plural} {scale}",  # "$5" and "million", normalized one by one
        ]
    if part is None or len(part) != 2 or match["whole"] is None:
        return [f"{amount} {name}" for name in (plural, singular, colloquial) for amount in amounts[:4]]
    whole, cents = integer_readings(match["whole"])[0], normalize(str(int(part)))
    if not int(part):
        return [f"{amount} {name}" for name in (plural, singular) for amount in integer_readings(match["whole"])]
    if whole == "zero":
        return [f"{cents} {small}"]
    return [
        *(
            f"{whole} {name} {link}{cents}{ending}"
            for link in ("", "and ")
            for ending in ("", f" {small}")
            for name in dict.fromkeys((singular if whole == "one" else plural, singular))
        ),
        f"{whole} {'oh ' * (part[0] == '0')}{cents}",
        *(f"{amount} {plural}" for amount in amounts),
    ]


def _time(match: re.Match[str]) -> Readings:
    hour, minute, half = int(match["hour"]), int(match["minute"] or 0), match["half"]
    if hour > 24 or (half and not 1 <= hour <= 12):
        return []
    twelve = hour % 12 or 12
    half_day = half or ("p" if 12 <= hour < 24 else "a" if hour in (0, 24) else "")
    hours = [normalize(str(number)) for number in dict.fromkeys((hour, twelve))]
    endings = ["", f" {half_day} m"] if half_day else [""]
    if not minute:
        words = [f"{spoken} o'clock" for spoken in hours if spoken == hours[-1]]
        words += [f"{hours[-1]}{ending}" for ending in endings[1:]]
        if half_day and twelve < 12:
            parts = ["morning"] if half_day == "a" else ["afternoon"] if twelve < 6 else ["evening"]
            words += [f"{hours[-1]} in the {part}" for part in parts]
        if twelve == 12 and half_day:
            words.append("noon" if half_day == "p" else "midnight")
        return words if half else [*words, f"{hours[0]} hundred", f"{hours[0]} hundred hours"]
    minutes = ("oh " if minute < 10 else "") + normalize(str(minute))
    words = [f"{spoken} {minutes}{ending}" for spoken in hours for ending in endings[: 1 + (spoken == hours[-1])]]
    past, following = hours[-1], normalize(str(twelve % 12 + 1))
    phrases = {15: f"quarter past {past}", 30: f"half past {past}", 45: f"quarter to {following}"}
    return [*words, *([phrases[minute]] if minute in phrases else [])]


def _phone(match: re.Match[str]) -> Readings:
    return phone_readings(re.findall(r"\d+", match[0]))


def _fraction(match: re.Match[str]) -> Readings:
    whole, numerator, denominator = match[1], int(match[2]), int(match[3])
    if not 0 < numerator < denominator or denominator not in _FRACTIONS:
        return []
    names = [_FRACTIONS[denominator], *(["fourth"] if denominator == 4 else [])]
    number = normalize(str(numerator))
    parts = [f"{number} {name}{'s' * (numerator > 1)}" for name in names]
    if numerator == 1:
        parts += [f"a {name}" for name in names] + ([] if whole else names[:1] if denominator == 2 else [])
    return [f"{spoken} and {part}" for spoken in integer_readings(whole)[:2] for part in parts] if whole else parts


def _decade(match: re.Match[str]) -> Readings:
    return [normalize(match[0]), normalize(f"{match[1][-2:]}s")] if match[1][-2:] != "00" else []


def _ordinal(match: re.Match[str]) -> Readings:
    return ordinal_readings(match["whole"])


def _range(match: re.Match[str]) -> Readings:
    first, second = integer_readings(match[1])[:4], integer_readings(match[2])[:4]
    pairs = sorted(product(enumerate(first), enumerate(second)), key=lambda pair: pair[0][0] + pair[1][0])
    return [f"{start}{link}{end}" for (_, start), (_, end) in pairs[:3] for link in (" to ", " ")]


def _measure(match: re.Match[str]) -> Readings:
    amounts = _amounts(match)
    units = unit_readings(match["unit"], amounts[0] == "one")
    return [
        reading
        for _, reading in sorted(
            (
                (place + rank, f"{amount} {unit}")
                for place, amount in enumerate(amounts)
                for rank, unit in enumerate(units)
            ),
            key=lambda pair: pair[0],
        )
    ]


def _scaled(match: re.Match[str]) -> Readings:
    scale = match["scale"]
    return [f"{amount} {name}" for amount in _amounts(match)[:4] for name in dict.fromkeys((SCALES[scale], scale))]


def _negative(match: re.Match[str]) -> Readings:
    return [f"{sign} {amount}" for amount in _amounts(match) for sign in ("minus", "negative")]


_START = rf"[$£€¥₹]|[+(]?\d|(?<![\w.])\.\d|(?<![^ (])-(?=\.?\d)|(?<![\w']){_MONTH} ?\d|'\d"
_READERS: tuple[tuple[str, Callable[[re.Match[str]], Readings]], ...] = (
    (r"(?<![\w/.-])(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?![\w/-])", _iso_date),
    (r"(?<![\w/.-])(\d{1,2})([/.])(\d{1,2})\2(\d{4}|\d{2})(?![\w/-])", _short_date),
    (rf"{_MONTH} ?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>\d{{4}}))?(?![\d:.]\d|\d|\w)", _named_date),
    (rf"{_ALONE}(?P<day>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?{_MONTH}(?:,? (?P<year>\d{{4}}))?(?!\w)", _named_date),
    (rf"(?P<currency>[$£€¥₹]) ?{_AMOUNT}(?:{SCALE})?", _money),
    (rf"{_ALONE}{_AMOUNT}(?:{SCALE})? ?(?P<currency>[£€¥₹$])(?!\d)", _money),
    (rf"{_ALONE}(?P<hour>\d{{1,2}})(?:[:.](?P<minute>[0-5]\d))? ?(?P<half>[ap])\.? ?m\b\.?", _time),
    (rf"{_ALONE}(?P<hour>\d{{1,2}}):(?P<minute>[0-5]\d)(?P<half>)(?![\d:])", _time),
    (r"(?<![\w.,-])(?:\+?\d{1,3}[ .-])?(?:\(\d{2,4}\)|\d{2,4})[ .-]\d{3,4}[ .-]\d{3,4}(?![\w-]|[.,]\d)", _phone),
    (r"(?<![\w.,-])(?:\d{3}[.-]\d{4}|\+\d{6,15})(?![\w-]|[.,]\d)", _phone),
    (r"(?<![\d/.,])(?:(\d+)[ -])?(\d)/(\d{1,2})(?![\d/])", _fraction),
    (r"'?(\d{2}|\d{4})'?s\b", _decade),
    (rf"{_ALONE}(?P<whole>{_NUMBER})(?:st|nd|rd|th)\b", _ordinal),
    (rf"(?<![\w.,/-])({_NUMBER}) ?[-–] ?({_NUMBER})(?![\w/-]|[.,]\d)", _range),
    (rf"{_ALONE}{_AMOUNT}{_UNIT}", _measure),
    (rf"{_ALONE}{_AMOUNT}(?P<scale>k|mn?|bn?|tn)\b", _scaled),
    (rf"-{_AMOUNT}", _negative),
    (rf"{_ALONE}(?P<whole>\d{{1,3}}(?: 000)+)(?![\d.,])", _spaced),
    (rf"(?<![\d.,:/]){_AMOUNT}", _amounts),
    (rf"(?P<whole>{_NUMBER})(?P<part>)(?P<only>)(?![\d.,]\d)", lambda match: integer_readings(match["whole"])),
)
"""Patterns, which are compiled when the first number is read, and their readings."""
