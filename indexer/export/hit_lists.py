"""Lists of hits for other programs: CSV, Audacity labels, m3u playlists, edit decision lists (CMX 3600).

docs/formats.md describes the formats.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from audiosearch.csv_rows import csv_line
from audiosearch.errors import OutputError
from audiosearch.transcripts.writers import audacity_label
from audiosearch.types import Seconds
from indexer.export.clips import padded_span
from indexer.types import Hit

FORMATS = ("csv", "audacity", "m3u", "edl")

FRAME_RATES = {
    "23.976": Fraction(24000, 1001),
    "24": Fraction(24),
    "25": Fraction(25),
    "29.97": Fraction(30000, 1001),
    "29.97df": Fraction(30000, 1001),
    "30": Fraction(30),
    "50": Fraction(50),
    "59.94": Fraction(60000, 1001),
    "60": Fraction(60),
}
"""Frames per second by name. 29.97df uses drop-frame time code, which skips frame numbers to match clock time."""

MAX_EVENTS = 999
"""Maximum events of an edit decision list, which numbers them with three digits."""


def format_hits(hits: Sequence[Hit], form: str, *, padding: Seconds = 0.0, rate: str = "25") -> str:
    """Write hits in one of FORMATS, in their order (labels: by time).

    Args:
        padding: sound before and after each hit, in playlists and edit decision lists.
        rate: key of FRAME_RATES, for edit decision lists.

    Raises:
        OutputError: the format cannot represent these hits.
    """
    match form:
        case "csv":
            return "".join(_csv(hits))
        case "audacity":
            return _labels(hits)
        case "m3u":
            return "".join(_m3u(hits, padding))
        case "edl":
            return "".join(_edl(hits, padding, rate))
    raise ValueError(f"unknown format {form!r}")


def _csv(hits: Sequence[Hit]) -> Iterator[str]:
    yield csv_line(("path", "start", "end", "confidence", "way", "before", "text", "after", "id", "voice"))
    for hit in hits:
        before, after = (" ".join(word.text for word in words) for words in (hit.before, hit.after))
        fields = hit.recording.path, hit.start, hit.end, hit.confidence, hit.way, before, hit.text, after
        yield csv_line((*fields, hit.recording.id, hit.voice or ""))


def _labels(hits: Sequence[Hit]) -> str:
    """One label per hit, by time; a label track of Audacity belongs to one recording."""
    count = len({hit.recording.id for hit in hits})
    if count > 1:
        raise OutputError(
            f"Audacity's labels belong to one recording, but these hits are in {count}: select one with --path."
        )
    ordered = sorted(hits, key=lambda hit: (hit.start, hit.end))
    return "".join(audacity_label(hit.start, hit.end, hit.text or "(sound)", hit.voice) for hit in ordered)


def _m3u(hits: Sequence[Hit], padding: Seconds) -> Iterator[str]:
    yield "#EXTM3U\n"
    for hit in hits:
        start, end = padded_span(hit, padding)
        path = hit.recording.path
        title = f"{_single_line(Path(path).stem)} – {hit.text}"
        yield f"#EXTINF:{math.ceil(end - start)},{title}\n"
        if hit.recording.track is not None:
            yield f"#EXTVLCOPT:audio-track={hit.recording.track - 1}\n"
        yield f"#EXTVLCOPT:start-time={start:.3f}\n#EXTVLCOPT:stop-time={end:.3f}\n"
        yield f"{path if path.isprintable() else Path(path).as_uri()}\n"


def _edl(hits: Sequence[Hit], padding: Seconds, rate: str) -> Iterator[str]:
    """One event per hit on both audio tracks, consecutive from 01:00:00:00 on, the usual start of a timeline."""
    if len(hits) > MAX_EVENTS:
        raise OutputError(f"An edit decision list has at most {MAX_EVENTS} hits, not {len(hits)}: lower --limit.")
    drop_frame = rate.endswith("df")
    title = _single_line(hits[0].text or "hits")[:70]
    yield f"TITLE: {title}\nFCM: {'DROP FRAME' if drop_frame else 'NON-DROP FRAME'}\n"
    reels: dict[str, str] = {}
    position = 3600 * round(FRAME_RATES[rate]) if not drop_frame else 107_892
    for number, hit in enumerate(hits, start=1):
        reel = reels.setdefault(hit.recording.id, f"R{len(reels) + 1:07}")
        start, end = padded_span(hit, padding)
        first = math.floor(Fraction(start) * FRAME_RATES[rate])
        last = max(math.ceil(Fraction(end) * FRAME_RATES[rate]), first + 1)
        times = [timecode(frame, rate) for frame in (first, last, position, position + last - first)]
        position += last - first
        yield f"\n{number:03}  {reel:8} AA    C        {' '.join(times)}\n"
        yield f"* FROM CLIP NAME: {_single_line(Path(hit.recording.path).name)}\n"
        yield f"* SOURCE FILE: {_single_line(hit.recording.path)}\n* COMMENT: {_single_line(hit.text)}\n"


def timecode(frame: int, rate: str) -> str:
    """Time code of a frame: ``hh:mm:ss:ff``, with drop frames ``hh:mm:ss;ff``."""
    drop_frame = rate.endswith("df")
    if drop_frame:  # numbers 0 and 1 are skipped in every minute except each tenth (SMPTE 12M)
        tens, rest = divmod(frame, 17_982)
        frame += 18 * tens + 2 * max(0, (rest - 2) // 1798)
    seconds, frames = divmod(frame, round(FRAME_RATES[rate]))
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours:02}:{minutes:02}:{seconds % 60:02}{';' if drop_frame else ':'}{frames:02}"


def _single_line(text: str) -> str:
    """Replace control characters and line breaks by spaces."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", " ", text)
