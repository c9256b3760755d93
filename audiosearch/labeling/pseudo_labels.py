"""Training rows from transcripts by recognizers, checked by text and by a network.

::

    index, transcript files ─words with times─> cut at pauses ┐
    rows with a teacher's text ──too long──> aligned, cut ────┴> text, pace ─> score by a network ─> worst ─> clips

Every row is either kept, or rejected with a reason.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from audiosearch.data.corpus_check import Kept, Rejected, pace_fault, text_fault
from audiosearch.data.manifest import Utterance
from audiosearch.errors import AudioError, ManifestError, OutputError
from audiosearch.labeling.checks import MIN_ENGLISH, english_share, find_loop
from audiosearch.labeling.sources import MAX_SECONDS, Label, label_segments
from audiosearch.tags import normalize_transcript
from audiosearch.types import Seconds

if TYPE_CHECKING:
    from audiosearch.recognizer import Recognizer

MIN_CONFIDENCE = 0.6
"""An average log-probability of −0.5. On 245 Common Voice clips with known text Whisper tiny.en had 9.9 % word errors;
9.2 % at this confidence or more, 7.8 % from 0.68 (−0.38), and 5.6 % from 0.78 (−0.25)."""

MIN_SCORE = -2.0
"""Nats per letter, chosen on the same clips: with the eighth version of the model all score above −1.6, and with the
text of another clip all below −3.6. Of 31 meetings, calls and samples more than a tenth score below it with their own
text."""

CLIP_RATE = 16000
"""Sample rate of clips; speech recognizers use no higher rate."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits for rows.

    Args:
        max_seconds: longer recordings are cut.
        min_confidence: of the recognizer that wrote the text: mean over words, or exp(avg_logprob).
        min_score: by the network, in nats per letter.
        drop_worst: fraction of the rows that pass all other checks to reject for their scores, the lowest.
    """

    max_seconds: Seconds = MAX_SECONDS
    min_confidence: float = MIN_CONFIDENCE
    min_score: float = MIN_SCORE
    drop_worst: float = 0.0


@dataclass(frozen=True, slots=True)
class Scoring:
    """Rows scored by a network, of ``total``."""

    done: int
    total: int


def training_rows(
    labels: Iterable[Label | Rejected], bounds: Bounds, *, recognizer: Recognizer | None, clips: Path | None
) -> Iterator[Kept | Rejected | Scoring]:
    """Yield each row as kept or rejected, and progress; the kept rows come last, in order.

    Args:
        recognizer: its network scores labels without a score, and aligns long ones without times; None: neither.
        clips: folder for parts of recordings; None: parts are rejected.

    Raises:
        OutputError: a clip cannot be written.
    """
    rows: list[Label] = []
    seen: set[tuple[Path, Seconds | None]] = set()
    for label in _measured(labels, bounds, None if clips is None else recognizer):
        if isinstance(label, Rejected):
            yield label
        elif fault := _fault(label, bounds, clips is not None):
            yield Rejected(label.row, *fault)
        elif (label.audio, label.start) in seen:
            yield Rejected(label.row, "audio listed before", "another row has the same recording")
        else:
            seen.add((label.audio, label.start))
            rows.append(replace(label, text=normalize_transcript(label.text)))
    kept: list[Label] = []
    for verdict in _scored(rows, bounds, recognizer):
        if isinstance(verdict, Label):
            kept.append(verdict)
        else:
            yield verdict
    for label in kept:
        try:
            audio = label.audio if label.start is None else _write(label, clips)
        except AudioError as error:
            yield Rejected(label.row, "audio unreadable", str(error))
            continue
        assert label.duration is not None
        confidence, score = (None if value is None else round(value, 4) for value in (label.confidence, label.score))
        yield Kept(Utterance(audio, label.text, round(label.duration, 3), label.speaker, label.id, confidence, score))


def _measured(
    labels: Iterable[Label | Rejected], bounds: Bounds, recognizer: Recognizer | None
) -> Iterator[Label | Rejected]:
    """Labels with their durations; long ones without times are aligned with the sound, and cut."""
    from audiosearch.audio.reader import probe
    from audiosearch.evaluation.references import align_words

    for label in labels:
        if isinstance(label, Rejected) or label.start is not None:
            yield label
            continue
        try:
            duration = probe(label.audio).duration
        except AudioError as error:
            reason = "audio unreadable" if label.audio.exists() else "audio missing"
            yield Rejected(label.row, reason, str(error))
            continue
        measured = replace(label, duration=duration)
        short = duration <= bounds.max_seconds
        if short or recognizer is None or text_fault(label.text) or find_loop(normalize_transcript(label.text)):
            yield measured
            continue
        try:
            words = align_words(recognizer, label.audio, normalize_transcript(label.text))
        except (AudioError, ManifestError) as error:
            yield Rejected(label.row, "cannot be aligned", str(error))
            continue
        yield from label_segments(
            label.id, label.audio, words, False, (), bounds.max_seconds, label.speaker, label.confidence
        )


def _fault(label: Label, bounds: Bounds, has_clips: bool) -> tuple[str, str] | None:
    """Reason and detail for rejecting a label by its text or duration; None if both are fine."""
    assert label.duration is not None
    if fault := text_fault(label.text):
        return fault
    text = normalize_transcript(label.text)
    if label.looped or (phrase := find_loop(text)) is not None:
        return "repetition", repr(text[:60] if label.looped else phrase)
    share = english_share(text)
    if share < MIN_ENGLISH:
        return "another language", f"{share:.0%} of the words are frequent in English: {text[:60]!r}"
    if label.confidence is not None and label.confidence < bounds.min_confidence:
        return "low confidence", f"confidence {label.confidence:.2f}, below {bounds.min_confidence:g}"
    if label.duration > bounds.max_seconds:
        why = "it has no pause to be cut at"
        if label.start is None:
            why = "it has no times to be cut by" if has_clips else "there is no folder for its parts"
        return "too long", f"{label.duration:.1f} s, above {bounds.max_seconds:g}, and {why}"
    if label.start is not None and not has_clips:
        return "part of a recording", "parts need a folder for their files"
    return pace_fault(text, label.duration)


def _scored(
    rows: Sequence[Label], bounds: Bounds, recognizer: Recognizer | None
) -> Iterator[Label | Rejected | Scoring]:
    """Rejected rows with too low a score, then the other rows with their scores, in order."""
    from audiosearch.labeling.scores import Passage, score_passages

    scored = list(rows)
    rejected: set[int] = set()
    if recognizer is not None:
        passages = [
            (number, Passage(row.audio, row.text, row.start, _end(row), row.duration or 0.0))
            for number, row in enumerate(rows)
            if row.score is None
        ]
        for done, (number, result) in enumerate(score_passages(recognizer, passages), start=1):
            if done % 50 == 0 or done == len(passages):
                yield Scoring(done, len(passages))
            if isinstance(result, AudioError):
                rejected.add(number)
                yield Rejected(rows[number].row, "audio unreadable", str(result))
            else:
                scored[number] = replace(rows[number], score=result)
    for number, label in enumerate(scored):
        score = label.score
        if number not in rejected and score is not None and (score < bounds.min_score or score == -math.inf):
            rejected.add(number)
            yield Rejected(label.row, "text does not match", f"score {score:.2f}, below {bounds.min_score:g}")
    order = sorted(
        (label.score, number)
        for number, label in enumerate(scored)
        if number not in rejected and label.score is not None
    )
    for score, number in order[: round(bounds.drop_worst * len(order))]:
        rejected.add(number)
        yield Rejected(scored[number].row, "among the worst scores", f"score {score:.2f}")
    yield from (label for number, label in enumerate(scored) if number not in rejected)


def _end(label: Label) -> Seconds | None:
    if label.start is None or label.duration is None:
        return None
    return label.start + label.duration


def _write(label: Label, clips: Path | None) -> Path:
    """Write the clip of a label; its name has the stem and a hash of the recording's path, and the start."""
    from audiosearch.audio.clips import Clip, write_clip

    end = _end(label)
    assert clips is not None
    assert label.start is not None
    assert end is not None
    try:
        clips.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{clips}: cannot be created ({error.strerror}).") from error
    mark = hashlib.sha1(str(label.audio).encode(errors="replace")).hexdigest()[:6]
    stem = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in label.audio.stem)[:80]
    target = Path(clips.absolute(), f"{stem}-{mark}-{round(1000 * label.start):09}.flac")
    write_clip(
        Clip(label.audio, label.start, end, f"{label.start:.3f} s of {label.audio.name}"), target, mono_rate=CLIP_RATE
    )
    return target
