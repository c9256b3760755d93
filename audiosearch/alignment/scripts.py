"""Texts of recordings without times of words: plain text, captions, and segments of other programs.

Labels of speakers ("ANNA:", "Dr. Brown:") and times at the beginning of a line or cue are not words; a label is the
voice of the words up to the next one.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from audiosearch.errors import TranscriptError
from audiosearch.transcripts.imported import ImportedTranscript, Token
from audiosearch.transcripts.readers import LINES_OF_TEXT, kind_of, read_file, read_transcripts

TEXT_SUFFIXES = frozenset({".txt", ".text", ".md"})

_LABEL = re.compile(
    r"(?:[-–—>»]+\s*)?(?P<name>[A-Z0-9][\w.'’&-]*(?: [A-Z0-9][\w.'’&-]*){0,3})(?: ?\([^)]*\))? ?:(?: |$)"
)
_CLOCK = r"[\[(]?\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?[\])]?"
_TIME = re.compile(rf"{_CLOCK}(?: ?(?:-->|[-–—]) ?{_CLOCK})?\s*")


def read_script(path: Path) -> ImportedTranscript:
    """The text of a recording. Times of its tokens are hints: those of their cue or segment, or None.

    Raises:
        TranscriptError: the file cannot be read, has no words, or holds the texts of several recordings.
    """
    text = read_file(path)
    kind = kind_of(text)
    if kind in LINES_OF_TEXT or (kind == "json" and path.suffix.lower() in TEXT_SUFFIXES and not _is_json(text)):
        transcript = _read_plain_text(path, text)
    else:
        transcripts = read_transcripts(path, word_times=False)
        if len(transcripts) > 1:
            raise TranscriptError(f"{path}: holds the texts of {len(transcripts)} recordings; give the text of one.")
        (transcript,) = transcripts
    transcript = replace(transcript, tokens=tuple(_with_voices(transcript.tokens)))
    if not transcript.tokens:
        raise TranscriptError(f"{path}: holds no words.")
    return transcript


def _is_json(text: str) -> bool:
    """False for a text that begins with a bracket, as "[music] Welcome"."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _read_plain_text(path: Path, text: str) -> ImportedTranscript:
    tokens = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        time = _TIME.match(line)
        words = line[time.end() :].split() if time else line.split()
        tokens += [Token(word, None, None, None, f"{path}, line {number}") for word in words]
    return ImportedTranscript("", "text", tuple(tokens))


def _with_voices(tokens: Sequence[Token]) -> list[Token]:
    """Tokens without labels of speakers, each with its voice.

    A label is in capital letters, or begins several lines or cues: "Note:" once is text.
    """
    lines = [list(line) for _, line in groupby(tokens, key=lambda token: token.location)]
    labels = [_LABEL.match(" ".join(token.text for token in line[:8])) for line in lines]
    counts = Counter(label["name"] for label in labels if label)
    voiced: list[Token] = []
    voice: str | None = None
    for line, label in zip(lines, labels, strict=True):
        if label and (label["name"].isupper() or counts[label["name"]] > 1):
            voice, start = label["name"], line[0].start
            del line[: len(label.group().split())]
            line[:1] = [replace(token, start=start) for token in line[:1]]
        voiced += [token if token.voice is not None else replace(token, voice=voice) for token in line]
    return voiced
