"""Text normalization, the same for training, index and query. Only spoken numbers need a package, num2words.

The right column is the left one, normalized (commas keep its examples apart):

==============================  ======================================  ========================================
written                         normal                                  rule
==============================  ======================================  ========================================
``Mr. O'Neil’s, mrs, dr, jr``   mister o'neil's, missus, doctor,        with or without a dot, as are etc, vs
                                junior
``St. John, Prof. X``           saint john, professor x                 these, and a dozen others, with a dot
``Zoë, œuvre, Straße, Łódź``    zoe, oeuvre, strasse, lodz              accents and ligatures become letters
``rock 'n' roll, dogs', don`t`` rock n roll, dogs, don't                apostrophes stay between letters
``well-known, and/or``          well known, and or                      other marks separate words
``U.S.A., Ph.D., BBC``          u s a, ph d, bbc                        so do dots; capitals alone do not
``bob@example.com, R&B``        bob at example dot com, r and b
``2 + 2 = 4, 50%, 20°``         two plus two equals four, fifty
                                percent, twenty degrees
``10,000, 2nd, #5, No. 5``      ten thousand, second, number five,
                                number five
``3.14, .5, 1.2.3``             three point one four, point five,       digits after a point are read one by one
                                one point two point three
``-5, 10–15, 10-15``            minus five, ten to fifteen, ten         a hyphen between numbers separates them
                                fifteen
``½, 3/4, 2 3/4, 24/7``         one half, three quarters, two and       denominators up to ten
                                three quarters, twenty four seven
``1984, 1905, 2005``            nineteen eighty four, nineteen oh       1100 to 2099 without a comma are years
                                five, two thousand and five
``1990s, '80s``                 nineteen nineties, eighties
``$5.50, £1, €2bn``             five dollars and fifty cents, one
                                pound, two billion euros
``7:30, 7:05, 7:00, 7pm``       seven thirty, seven oh five, seven
                                o'clock, seven p m
``007, 0123456789``             zero zero seven, zero one two three     a leading zero, or more than nine
                                four five six seven eight nine          digits: read one by one
``Привет``                                                              other scripts are dropped
==============================  ======================================  ========================================
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache


def normalize(text: str) -> str:
    """Lower-case words of a–z with apostrophes inside, single spaces between; see the table above.

    Normalization is idempotent: ``normalize(normalize(x)) == normalize(x)``.
    """
    if _NORMAL.fullmatch(text) and not _SHORT_WORD.search(text):
        return text
    text = _plain_letters(text)
    text = _DOTTED.sub(lambda match: _DOTTED_WORDS[match[1]] + " ", text)
    text = _ADDRESS.sub(r" dot \1", text)
    if _DIGIT.search(text):
        text = _spoken_numbers(text)
    text = _RULED_LINE.sub(" ", text)
    for symbol, word in _SYMBOLS.items():
        text = text.replace(symbol, f" {word} ")
    text = _FOREIGN.sub(" ", text)
    text = _SHORT_WORD.sub(lambda match: _SHORT_WORDS[match[0]], text)
    return " ".join(text.split())


_NORMAL = re.compile(r"(?:[a-z]+(?:'[a-z]+)*(?: [a-z]+(?:'[a-z]+)*)*)?")
_FOREIGN = re.compile(r"[^a-z' ]|(?<![a-z])'|'(?![a-z])")
_DIGIT = re.compile(r"[0-9]")

_SHORT_WORDS = {"mr": "mister", "mrs": "missus", "dr": "doctor", "jr": "junior", "etc": "et cetera", "vs": "versus"}
_SHORT_WORD = re.compile(r"(?<![a-z'])(?:mrs?|[dj]r|etc|vs)(?![a-z])")

_DOTTED_WORDS = {
    "st": "saint",
    "sr": "senior",
    "prof": "professor",
    "capt": "captain",
    "lt": "lieutenant",
    "sgt": "sergeant",
    "col": "colonel",
    "gen": "general",
    "maj": "major",
    "rev": "reverend",
    "hon": "honorable",
    "gov": "governor",
    "ltd": "limited",
    "esq": "esquire",
}
_DOTTED = re.compile(rf"(?<![a-z0-9'.])({'|'.join(_DOTTED_WORDS)})\.(?!\.)")
_ADDRESS = re.compile(r"(?<=[a-z0-9])\.(com|org|net|edu|gov|io|co|uk)\b")

_SYMBOLS = {"&": "and", "@": "at", "%": "percent", "+": "plus", "=": "equals", "°": "degrees"}
_RULED_LINE = re.compile(r"([&@%+=°])\1{2,}")

_LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ħ": "h", "ŋ": "ng"}
_LETTERS |= {"ı": "i", "ĸ": "k", "ŧ": "t", "ə": "e"}
_BEFORE = str.maketrans(
    {**dict.fromkeys("‘’‛ʼʻʹ′`´＇", "'"), **dict.fromkeys("™®©℠", " "), "º": "°", "№": "#", "−": "-"}
)
_AFTER = str.maketrans({**_LETTERS, "⁄": "/"})


def _plain_letters(text: str) -> str:
    """Lower case, Latin letters without accents, ASCII digits and apostrophes, one kind of space."""
    if not text.isascii():
        text = _RANGE.sub(" to ", text).translate(_BEFORE)
        text = "".join(f" {c}" if "VULGAR" in unicodedata.name(c, "") else c for c in text)
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).lower()).translate(_AFTER)
        text = "".join(_ascii_digit(c) for c in text if unicodedata.category(c) not in ("Mn", "Cf"))
    return " ".join(text.lower().replace("`", "'").split())


def _ascii_digit(character: str) -> str:
    digit = None if character.isascii() else unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


# Numbers. Each rule converts the digits that it matches to words; later rules read the remaining digits.

_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,11}(?![0-9])|[0-9]+)"
_AMOUNT = rf"(?P<whole>{_NUMBER})(?:\.(?P<part>[0-9]+))?"
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
}
SCALES = {"k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion", "tn": "trillion"}
_FRACTIONS = ("", "", "half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")

_RANGE = re.compile(r"(?<=[0-9]) ?– ?(?=[0-9])")
_NUMBERED = re.compile(r"(?:#|(?<![a-z])nos?\.) ?(?=[0-9])")
SCALE = r" ?(?P<scale>hundred|thousand|million|billion|trillion|mn|bn|tn|(?<! )[kmb])\b"
_MONEY = re.compile(rf"(?P<currency>[$£€¥₹]) ?{_AMOUNT}(?:{SCALE})?")
_MONEY_AFTER = re.compile(rf"(?<![0-9.,]){_AMOUNT} ?(?P<currency>[£€¥₹])")
_CENTS = re.compile(r"(?<![0-9.,])([0-9]+) ?¢")
_TIME = re.compile(r"(?<![0-9:.])([01]?[0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?(?![0-9:])(?: ?([ap])\.?m\b\.?)?")
_AM_PM = re.compile(r"(?<=[0-9]) ?([ap])\.?m\b\.?")
_FRACTION = re.compile(r"(?<![0-9/.,])(?:([0-9]+)[ -])?([1-9])/([2-9]|10)(?![0-9/])")
_DECADE = re.compile(r"(?<![0-9a-z.,])'?([0-9]*[0-9]0)'?s\b")
_ORDINAL = re.compile(rf"(?<![0-9.,])({_NUMBER})(?:st|nd|rd|th)\b")
_MINUS = re.compile(r"(?<![^ (])-(?=\.?[0-9])")
_DECIMAL = re.compile(rf"(?<![0-9])({_NUMBER})?(?<![a-z])((?:\.[0-9]+)+)")
_INTEGER = re.compile(_NUMBER)


def _spoken_numbers(text: str) -> str:
    """Text with all digits as words between spaces."""
    text = _NUMBERED.sub(" number ", text)
    text = _MONEY.sub(_money, text)
    text = _MONEY_AFTER.sub(_money, text)
    text = _CENTS.sub(lambda match: f" {_counted(match[1], 'cent', 'cents')} ", text)
    text = _TIME.sub(_time, text)
    text = _AM_PM.sub(r" \1 m ", text)
    text = _FRACTION.sub(_fraction, text)
    text = _DECADE.sub(_decade, text)
    text = _ORDINAL.sub(lambda match: f" {_words(_value(match[1]), 'ordinal')} ", text)
    text = _MINUS.sub(" minus ", text)
    text = _DECIMAL.sub(lambda match: f" {_decimal(match[1], match[2])} ", text)
    return _INTEGER.sub(lambda match: f" {_integer(match[0])} ", text)


def _value(digits: str) -> int:
    return int(digits.replace(",", ""))


@lru_cache(maxsize=4096)
def _words(number: int, to: str = "cardinal") -> str:
    from num2words import num2words

    return str(num2words(number, lang="en", to=to)).replace("-", " ").replace(",", "")


def _digits(digits: str) -> str:
    return " ".join(_words(int(digit)) for digit in digits)


def _integer(digits: str) -> str:
    if "," not in digits and (len(digits) > 9 or (len(digits) > 1 and digits[0] == "0")):
        return _digits(digits)
    number = _value(digits)
    if len(digits) == 4 and (1100 <= number <= 1999 or 2010 <= number <= 2099):
        return _words(number, "year")
    return _cardinal(digits)


def _cardinal(digits: str) -> str:
    """Words of a quantity; numbers too large for words are read digit by digit."""
    digits = digits.replace(",", "")
    return _words(int(digits)) if len(digits) <= 36 else _digits(digits)


def _decimal(whole: str | None, parts: str) -> str:
    words = [_cardinal(whole)] if whole else []
    for part in parts[1:].split("."):
        words.append(f"point {_digits(part)}")
    return " ".join(words)


def _counted(digits: str, singular: str, plural: str) -> str:
    count = _cardinal(digits)
    return f"{count} {singular if count == 'one' else plural}"


def _money(match: re.Match[str]) -> str:
    groups = match.groupdict()
    singular, plural, small_singular, small_plural = _CURRENCIES[groups["currency"]]
    whole, part, scale = groups["whole"], groups["part"], groups.get("scale")
    if scale:
        amount = _decimal(whole, f".{part}") if part else _cardinal(whole)
        return f" {amount} {SCALES.get(scale, scale)} {plural} "
    if part and len(part) == 2:
        large, small = _counted(whole, singular, plural), _counted(part, small_singular, small_plural)
        if not int(part):
            return f" {large} "
        return f" {large} and {small} " if _value(whole) else f" {small} "
    return f" {_decimal(whole, f'.{part}')} {plural} " if part else f" {_counted(whole, singular, plural)} "


def _time(match: re.Match[str]) -> str:
    hour, minute, second, half = match.groups()
    words = [_words(int(hour))]
    if second is None and minute == "00":
        if half is None:
            words.append("o'clock" if 1 <= int(hour) <= 12 else "hundred")
    else:
        words += [("oh " if digits[0] == "0" else "") + _words(int(digits)) for digits in (minute, second) if digits]
    return " ".join(["", *words, *([half, "m"] if half else []), ""])


def _fraction(match: re.Match[str]) -> str:
    whole, numerator, denominator = match[1], int(match[2]), int(match[3])
    if numerator >= denominator:
        return match[0].replace("/", " ")
    part = _FRACTIONS[denominator]
    if numerator > 1:
        part = "halves" if denominator == 2 else part + "s"
    return f" {_cardinal(whole) + ' and ' if whole else ''}{_words(numerator)} {part} "


def _decade(match: re.Match[str]) -> str:
    words = _integer(match[1])
    return f" {words[:-1]}ies " if words.endswith("y") else f" {words}s "
