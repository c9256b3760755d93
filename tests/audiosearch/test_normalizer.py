"""Normalization: known results of each rule, and invariants; the alphabet."""

from __future__ import annotations

import random
import re
import subprocess
import sys

import pytest

from audiosearch import normalizer
from audiosearch.alphabet import Alphabet
from audiosearch.normalizer import normalize


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Mr. O’Neil's 2nd", "mister o'neil's second"),
        ("mr smith and Mrs Jones", "mister smith and missus jones"),
        ("Dr. St. John vs. Prof. X, etc.", "doctor saint john versus professor x et cetera"),
        ("Zoë, œuvre, Straße, Łódź, ﬁne, Smørrebrød", "zoe oeuvre strasse lodz fine smorrebrod"),
        ("rock 'n' roll, dogs', ‘tis don`t", "rock n roll dogs tis don't"),
        ("well-known, and/or — “yes”…", "well known and or yes"),
        ("U.S.A., Ph.D., BBC", "u s a ph d bbc"),
        ("bob@example.com", "bob at example dot com"),
        ("R&B, 2 + 2 = 4", "r and b two plus two equals four"),
        ("==== ++++", ""),
        (
            "10,000 or 1,234,567",
            "ten thousand or one million two hundred and thirty four thousand five hundred and sixty seven",
        ),
        ("1,2,3", "one two three"),
        ("1st 22nd 103rd 1,000th", "first twenty second one hundred and third one thousandth"),
        ("3.14 .5 1.2.3", "three point one four point five one point two point three"),
        ("-5 10–15 555-1234", "minus five ten to fifteen five hundred and fifty five twelve thirty four"),
        ("50%, ½, 2½, 3/4, 24/7", "fifty percent one half two and one half three quarters twenty four seven"),
        (
            "1984 1905 2000 2005 2010",
            "nineteen eighty four nineteen oh five two thousand two thousand and five twenty ten",
        ),
        ("1990s, '80s, 1900's", "nineteen nineties eighties nineteen hundreds"),
        ("$5.50 £1 €2bn $0.50 5 €", "five dollars and fifty cents one pound two billion euros fifty cents five euros"),
        ("$1.5 million, $1,234", "one point five million dollars one thousand two hundred and thirty four dollars"),
        (
            "7:30 7:05 7:00 7pm 7:00 p.m. 19:00",
            "seven thirty seven oh five seven o'clock seven p m seven p m nineteen hundred",
        ),
        ("007 0123456789", "zero zero seven zero one two three four five six seven eight nine"),
        ("20°C #5 No. 5 mp3", "twenty degrees c number five number five mp three"),
        ("٣ x²", "three x two"),
        ("Привет, мир! 你好", ""),
        ("", ""),
    ],
)
def test_known_normalizations(written: str, normal: str) -> None:
    assert normalize(written) == normal


def test_results_are_normal_and_normalization_is_idempotent() -> None:
    pieces = [
        *"abcdmrst'’.,:;-–/$£€%&@+=#°½²0123456789 \t\n",
        "Mr.",
        "dr",
        "St.",
        "1,000",
        "7:30",
        "p.m.",
        "th",
        "éß",
        "Ж",
    ]
    pieces += ["\u00ad", "\u200b", "\0", "\ud800", "İ", "ﬁ", "№", "¢", "''", "$1.5bn", "1/2", "9" * 40, "'80s"]
    normal = re.compile(r"(?:[a-z]+(?:'[a-z]+)*(?: [a-z]+(?:'[a-z]+)*)*)?")
    draw = random.Random(1)
    alphabet = Alphabet()
    for _ in range(3000):
        written = "".join(draw.choices(pieces, k=draw.randint(1, 12)))
        once = normalize(written)
        assert normal.fullmatch(once), (written, once)
        assert normalize(once) == once, written
        assert alphabet.decode(alphabet.encode(once)) == once


def test_long_numbers_and_long_texts_take_little_time() -> None:
    assert normalize("1" * 100_000).count("one") == 100_000
    assert normalize("," * 100_000 + "'" * 100_000 + "1/" * 50_000).startswith("one one")


def test_examples_of_the_docstring() -> None:
    lines = (normalizer.__doc__ or "").splitlines()
    first, _, last = (number for number, line in enumerate(lines) if line.startswith("====="))
    left, right = (match.start() for match in re.finditer(r"(?<= )=", lines[first]))
    rows: list[list[str]] = []
    for line in lines[first + 3 : last]:
        if line[:left].strip():
            rows.append([line[:left].strip().removeprefix("``").removesuffix("``"), ""])
        rows[-1][1] += " " + line[left:right].replace(",", "")
    assert len(rows) > 15
    for written, normal in rows:
        assert normalize(written) == " ".join(normal.split()), written


def test_importing_loads_only_the_standard_library() -> None:
    code = "import sys, audiosearch.normalizer as t; t.normalize('already normal, Mr. X'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "torch", "num2words"} & set(loaded)


def test_alphabet_encodes_and_decodes() -> None:
    alphabet = Alphabet()
    assert len(alphabet) == 29
    assert (alphabet.blank, alphabet.labels[0], alphabet.space) == (0, "", 28)
    assert alphabet.encode("az' ") == [1, 26, 27, 28]
    assert alphabet.decode([0, 1, 1, 0, 28, 26]) == "aa z"
    with pytest.raises(ValueError, match="'é' is not in the alphabet"):
        alphabet.encode("café")
    with pytest.raises(ValueError, match="blank"):
        Alphabet(("a", "b"))
    with pytest.raises(ValueError, match="twice"):
        Alphabet(("", "a", "a"))
