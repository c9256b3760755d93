"""Tags of corpora: nothing of them becomes a word, and nothing that was said is lost."""

from __future__ import annotations

import re

import pytest

from audiosearch import tags
from audiosearch.normalizer import normalize
from audiosearch.tags import normalize_transcript, strip_tags, strip_tokens


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("<s> the <unk> fox number 3 jumps </s>", "the fox number three jumps"),
        ("<s> hello </s> (talk-07_3)", "hello"),
        ("<|startoftranscript|><|en|> well <|0.00|>", "well"),
        ("HELLO <COMMA> WORLD <PERIOD>", "hello world"),
        ("[laughter] so [noise] it [background speech] goes [BLANK_AUDIO]", "so it goes"),
        ("[laughter-well] [laughter-th[is]-] [exc-/excuse] me", "well excuse me"),
        ("[music/applause] [phone_ring/] hello [/phone_ring] [<door_slam] [tap>]", "hello"),
        ("th[is]- -[an]y wor(d)- th[is]-, them_1", "them"),
        ("“[T]he judge walk[ed] out", "the judge walked out"),
        ("hello[laughter] yes[um] recieve[sic]", "hello yes recieve"),
        ("{lipsmack} yes {breath} {F uh, } {D you know, } [ I, + [ I, + I ] ] went", "yes uh you know i i i went"),
        ("++breath++ well ++UM++ +nucular+", "well nucular"),
        ("the(2) cat(10) read(3).", "the cat read"),
        ("!SIL yes !!UNK SIL no spn !sil", "yes no"),
        ("(( )) ((this one)) %uh # well @ %um @@", "this one uh well um"),
        ("So (Laughter) I said (audience applauds.) that *sighs* (Music)", "so i said that"),
        ("&=laughs &-um &+fr well", "um well"),
    ],
)
def test_tags_are_no_words(written: str, words: str) -> None:
    assert normalize_transcript(written) == words


@pytest.mark.parametrize(
    "written",
    [
        "a < b and c > d",
        "R&B, 50%, fifty % of 20 %",
        "bob@example.com, bob @ example.com, @ 7 pm, meet @ 7",
        "2 + 2 = 4, C++",
        "#5, # 5 and No. 5",
        "(he said nothing of the kind) but (un)happy",
        "wow! yes !important",
        "well- known, th- that",
        "f(2.5) section 2(1) 3(4)",
        "snake_case the 5* hotel",
    ],
)
def test_ordinary_text_is_left(written: str) -> None:
    assert normalize_transcript(written) == normalize(written)


def test_tags_extend_over_tokens() -> None:
    assert strip_tokens(["so", "[speaking", "foreign", "language]", "well"]) == ["so", "", "", "", "well"]
    assert strip_tokens(["very(2)", "[T]he", "th[is]-", "a b", "<unk>"]) == ["very", "The", "", "a b", ""]
    assert strip_tokens(["plain", "words"]) == ["plain", "words"]
    assert strip_tokens([]) == []


def test_unclosed_brackets_take_little_time_and_no_words() -> None:
    for bracket in "<[{(*":
        assert normalize_transcript(f"{bracket} " * 20_000 + "so").endswith("so")
        assert normalize_transcript(f"{bracket}a " * 20_000 + "so").endswith("so")
    assert normalize(strip_tags("[" + "a long remark " * 20 + "]")).startswith("a long remark")


def test_examples_of_the_docstring() -> None:
    lines = (tags.__doc__ or "").splitlines()
    first, _, last = (number for number, line in enumerate(lines) if line.startswith("====="))
    left, right = (match.start() for match in re.finditer(r"(?<= )=", lines[first]))
    for row in lines[first + 3 : last]:
        written, remains = row[:left].strip().removeprefix("``").removesuffix("``"), row[left:right]
        assert normalize_transcript(written) == " ".join(remains.lower().split()), written
