"""Tags of transcribed corpora: noises, silences, fragments and markup, which are no words.

============================================  =======================  ================================================
written                                       remains                  as in
============================================  =======================  ================================================
``<unk> <s> <sil> <|en|> <i>so</i>``          so                       Kaldi, Whisper, GigaSpeech, WebVTT
``<s> so </s> (talk_07)``                     so                       CMU Sphinx: the utterance after its text
``[laughter] [door slams] [1]``                                        Switchboard, captions
``[laughter-yes] [exc-/excuse] them_1``       yes excuse them          Switchboard: laughed; meant; a variant
``th[is]- -[an]y wor(d)-``                                             Switchboard, WSJ: fragments of words
``[t]he walk[ed]``                            the walked               additions of an editor
``{lipsmack} {F uh} [ I + I ]``               uh I I                   TED-LIUM, LDC; disfluencies
``++breath++ +nucular+``                      nucular                  CMU Sphinx: noises; unusual pronunciation
``very(2)``                                   very                     CMU Sphinx: another pronunciation
``!SIL !!UNK SIL SPN``                                                 HTK, Kaldi, MFA
``(( )) ((this one)) %uh # @``                this one uh              LDC: unclear, hesitations; pauses, laughter
``(Laughter) (audience applauds) *sighs*``                             TED, captions
``&=laughs &-um``                             um                       CHAT
============================================  =======================  ================================================
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from audiosearch.normalizer import normalize


def normalize_transcript(text: str) -> str:
    """Normalized words of a transcript, without tags."""
    return normalize(strip_tags(text))


def strip_tags(text: str) -> str:
    """Text of a transcript without the tags of the table above; spaces are left in their places."""
    return _blank(text).replace(_JOINT, "") if _MARK.search(text) else text


def strip_tokens(texts: Sequence[str]) -> list[str]:
    """Consecutive tokens without tags, which may extend over several; a token is empty if nothing of it is left."""
    text = " ".join(texts)
    if not _MARK.search(text):
        return list(texts)
    blanked, position, stripped = _blank(text), 0, []
    for token in texts:
        stripped.append(" ".join(blanked[position : position + len(token)].replace(_JOINT, "").split()))
        position += len(token) + 1
    return stripped


_JOINT = "\0"
"""Replaces a character between letters that belong together."""

_MARK = re.compile(r"[<\[{(]|(?<!\S)[+*!%&@#]|_[0-9]|\b(?:sil|spn|nsn)\b", re.IGNORECASE)
_LETTER = r"[^\W\d_]"
_WORD = rf"{_LETTER}(?:{_LETTER}|['’-])*"
_FRAGMENT = rf"(?:{_WORD})?[\[(]{_WORD}[\])](?:{_WORD})?"
_SOUND = (
    r"laugh(?:s|ing|ter)?|chuckl(?:es?|ing)|applau(?:se|ds?|ding)|cheer(?:s|ing)|claps|clapping|music|noises?|sighs?|"
    r"sighing|coughs?|coughing|breath(?:s|es|ing)?|inaudible|unintelligible|crosstalk|silence|pause"
)
_SOUNDS = rf"(?:{_WORD} ){{0,2}}(?:{_SOUND})(?: {_WORD}){{0,2}}[.!]?"


def _alone(pattern: str) -> str:
    return rf"(?<!\S)(?:{pattern})(?![^\s.,;:?!])"


_REPAIR = r"\[ ([^\[\]]*) \+ ([^\[\]]*) \]"
_RULES = tuple(  # of a match the groups without a name are left, among fillers
    (re.compile(pattern, re.IGNORECASE), filler)
    for filler, patterns in (
        (
            " ",
            (
                r"(?<=</s>)\s*\([^()]*\)\s*$",
                r"<[/!|]?[^\s<>][^<>]{0,79}>",
                _alone(r"\[laughter-([^\s\[\]]+(?:\[[^\s\[\]]*\]-?)?)\]"),
                _alone(rf"\[(?=(?P<initial>{_LETTER}))[^\s/\[\]]*/((?P=initial)[^\s\[\]/]*)\]"),
                _alone(rf"-{_FRAGMENT}|{_FRAGMENT}-"),
                _REPAIR,
                _REPAIR,  # around another
                r"\{[ACDEF] ([^{}]*)\}",
            ),
        ),
        (
            _JOINT,
            (
                rf"(?<={_LETTER})\[(?!(?:uh|um|mm|er|ah|sic)\])({_LETTER}{{1,3}})\]",
                rf"(?<![\w\]])\[(?!(?:uh|um|mm|er|ah|sic)\])({_LETTER}{{1,3}})\](?={_LETTER})",
            ),
        ),
        (
            " ",
            (
                r"\[[^\[\]]{0,80}\]",
                r"\{[^{}]{0,80}\}",
                _alone(r"\+\+[^\s+]+\+\+"),
                _alone(rf"\+({_WORD})\+"),
                rf"\({_SOUNDS}\)|\*{_SOUNDS}\*",
                rf"(?<={_LETTER})\([0-9]{{1,2}}\)(?!\w)",
                rf"(?<={_LETTER})_[0-9]\b",
                _alone(r"!{1,2}(?:(?-i:[A-Z_]{2,})|sil|enter|exit|null|unk)|sil|spn|nsn"),
                r"(?<!\S)&[=+~]\S+",
                rf"(?<!\S)(?:%|&-)(?={_LETTER})",
                r"(?<!\S)[@#]+(?!\S| ?[0-9]| \S+\.\S)",
            ),
        ),
    )
    for pattern in patterns
)


def _blank(text: str) -> str:
    """Text of the same length, with spaces in place of tags, and ``_JOINT`` between letters that are joined."""
    for rule, filler in _RULES:
        text = rule.sub(lambda match, filler=filler: _groups(match, filler), text)  # type: ignore[misc]
    return text


def _groups(match: re.Match[str], filler: str) -> str:
    kept = list(filler * (match.end() - match.start()))
    for number in {*range(1, match.re.groups + 1)} - {*match.re.groupindex.values()}:
        if match[number]:
            kept[match.start(number) - match.start() : match.end(number) - match.start()] = match[number]
    return "".join(kept)
