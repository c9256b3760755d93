"""Units as they are written after a number, and as they are spoken: 10 km is ten kilometers, kilometres, or k."""

from __future__ import annotations

from collections.abc import Iterator

SPOKEN = {
    "km": ("kilometers", "kilometres", "k"),
    "m": ("meters", "metres"),
    "cm": ("centimeters", "centimetres"),
    "mm": ("millimeters", "millimetres"),
    "mi": ("miles",),
    "ft": ("feet",),
    "yd": ("yards",),
    "kg": ("kilograms", "kilos", "kilogrammes"),
    "g": ("grams", "grammes"),
    "mg": ("milligrams", "milligrammes"),
    "lb": ("pounds",),
    "oz": ("ounces",),
    "l": ("liters", "litres"),
    "ml": ("milliliters", "millilitres"),
    "mph": ("miles per hour", "miles an hour", "m p h"),
    "km/h": ("kilometers per hour", "kilometres per hour", "kilometers an hour", "kilometres an hour", "k p h"),
    "mpg": ("miles per gallon", "miles to the gallon"),
    "%": ("percent", "per cent"),
    "°": ("degrees",),
    "°c": ("degrees celsius", "degrees", "degrees centigrade", "celsius"),
    "°f": ("degrees fahrenheit", "degrees", "fahrenheit"),
    "kb": ("kilobytes", "k b"),
    "mb": ("megabytes", "megs", "m b", "megabits"),
    "gb": ("gigabytes", "gigs", "g b", "gigabits"),
    "tb": ("terabytes", "t b"),
    "mbps": ("megabits per second", "megabits a second"),
    "gbps": ("gigabits per second", "gigabits a second"),
    "hz": ("hertz",),
    "khz": ("kilohertz",),
    "mhz": ("megahertz",),
    "ghz": ("gigahertz",),
    "w": ("watts",),
    "kw": ("kilowatts",),
    "mw": ("megawatts", "milliwatts"),
    "gw": ("gigawatts",),
    "kwh": ("kilowatt hours",),
    "v": ("volts",),
    "hp": ("horsepower",),
    "db": ("decibels",),
    "rpm": ("revolutions per minute", "r p m"),
    "fps": ("frames per second", "frames a second"),
    "kcal": ("kilocalories", "calories"),
    "h": ("hours",),
    "min": ("minutes",),
    "s": ("seconds",),
    "ms": ("milliseconds",),
    "px": ("pixels",),
}
"""Spoken units in the plural, the most usual first."""

_SAME = {"lbs": "lb", "kph": "km/h", "kmh": "km/h", "hr": "h", "hrs": "h", "sec": "s", "mins": "min", "secs": "s"}
_SINGULAR = {"feet": "foot"}

SYMBOLS = (*SPOKEN, *_SAME, "° c", "° f")


def unit_readings(symbol: str, is_one: bool) -> list[str]:
    """Spoken forms of a unit after a number: the plural and the singular, which stands before nouns."""
    plurals = SPOKEN[_SAME.get(symbol, symbol.replace(" ", ""))]
    singulars = list(map(_singular, plurals))
    return list(dict.fromkeys([*singulars, *plurals] if is_one else [*plurals, *singulars]))


def respelled(words: tuple[str, ...]) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Words that are a unit: first word, end, and the same unit spelled otherwise or abbreviated."""
    for index, word in enumerate(words):
        if word in _OTHERS:
            yield index, index + 1, _OTHERS[word]


def _singular(unit: str) -> str:
    head, *rest = unit.split()
    head = _SINGULAR.get(head, head if head.endswith("us") else head.removesuffix("s"))
    return " ".join([head, *rest])


def _spellings() -> dict[str, tuple[str, ...]]:
    """Units of one word, and those with which they are interchangeable."""
    others: dict[str, tuple[str, ...]] = {}
    for symbol, plurals in SPOKEN.items():
        words = [word for word in plurals if len(word) > 2 and " " not in word]
        if len(symbol) > 1 and symbol.isalpha():
            for spoken in words:
                others[spoken] = (*(word for word in words if word != spoken), symbol)
                others.setdefault(symbol, tuple(words))
                others.setdefault(_singular(spoken), tuple(_singular(word) for word in words if word != spoken))
    return {word: spellings for word, spellings in others.items() if spellings}


_OTHERS = _spellings()
