"""Transcripts by recognizers → rows to train on, checked.

::

    index, transcript files ─words with times─> cut at pauses ┐
    rows with a teacher's text ──too long──> aligned, cut ────┴> text, pace ─> score by a network ─> worst ─> clips

Every row is kept, or rejected with a reason; what nobody listened to is not trusted.
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
from audiosearch.labeling.checks import MIN_ENGLISH, english_share, loop
from audiosearch.labeling.sources import MAX_SECONDS, Label, cut
from audiosearch.normalizer import normalize
from audiosearch.types import Seconds

if TYPE_CHECKING:
    from audiosearch.recognizer import Recognizer

MIN_CONFIDENCE = 0.6
"""An average log-probability of −0.5. On 245 Common Voice clips with known text Whisper tiny.en had 9.9 % word errors;
9.2 % where it was as sure as this, 7.8 % from 0.68 on (−0.38), and 5.6 % from 0.78 on (−0.25)."""

MIN_SCORE = -2.0
"""Nats per letter, chosen on the same clips: by the eighth version of the model all score above −1.6, and with the text
of another clip all below −3.6. Of 31 samples, meetings and calls more than one in ten is below this with its text."""

CLIP_RATE = 16000
"""Hz of clips; no recognizer of speech hears more."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits that rows must keep.

    Args:
        max_seconds: longer recordings are cut.
        min_confidence: of the recognizer that wrote the text: the mean of its words, or exp(avg_logprob).
        min_score: by our network, in nats per letter.
        drop_worst: share of the rows that pass all else, those with the lowest scores.
    """

    max_seconds: Seconds = MAX_SECONDS
    min_confidence: float = MIN_CONFIDENCE
    min_score: float = MIN_SCORE
    drop_worst: float = 0.0


@dataclass(frozen=True, slots=True)
class Scoring:
    """Progress of the check by a network."""

    done: int
    total: int


def training_rows(
    labels: Iterable[Label | Rejected], bounds: Bounds, *, recognizer: Recognizer | None, clips: Path | None
) -> Iterator[Kept | Rejected | Scoring]:
    """The rows, each kept or rejected, and progress; the kept ones come last, in their order.

    Args:
        recognizer: whose network scores labels that have no score, and aligns long ones that have no times; without
            one neither is done.
        clips: the folder to which parts of recordings are written; without one they are rejected.

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
            rows.append(replace(label, text=normalize(label.text)))
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
    """The labels with their lengths; long ones without times are aligned with the sound, and cut."""
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
        if short or recognizer is None or text_fault(label.text) or loop(normalize(label.text)):
            yield measured
            continue
        try:
            words = align_words(recognizer, label.audio, normalize(label.text))
        except (AudioError, ManifestError) as error:
            yield Rejected(label.row, "cannot be aligned", str(error))
            continue
        yield from cut(label.id, label.audio, words, False, (), bounds.max_seconds, label.speaker, label.confidence)


def _fault(label: Label, bounds: Bounds, has_clips: bool) -> tuple[str, str] | None:
    """Reason and detail why a label cannot be trained on, as far as its text and length tell."""
    assert label.duration is not None
    if fault := text_fault(label.text):
        return fault
    text = normalize(label.text)
    if label.looped or (phrase := loop(text)) is not None:
        return "repeated over and over", repr(text[:60] if label.looped else phrase)
    share = english_share(text)
    if share < MIN_ENGLISH:
        return "another language", f"{share:.0%} of the words are frequent in English: {text[:60]!r}"
    if label.confidence is not None and label.confidence < bounds.min_confidence:
        return "unsure", f"confidence {label.confidence:.2f}, below {bounds.min_confidence:g}"
    if label.duration > bounds.max_seconds:
        why = "it has no pause to be cut at"
        if label.start is None:
            why = "it has no times to be cut by" if has_clips else "there is no folder for its parts"
        return "too long", f"{label.duration:.1f} s, above {bounds.max_seconds:g}, and {why}"
    if label.start is not None and not has_clips:
        return "part of a recording", "parts are kept where a folder for their files is named"
    return pace_fault(text, label.duration)


def _scored(
    rows: Sequence[Label], bounds: Bounds, recognizer: Recognizer | None
) -> Iterator[Label | Rejected | Scoring]:
    """The rows in their order, with scores, those rejected first that a network hears otherwise."""
    from audiosearch.labeling.scores import Passage, score_passages

    scored = list(rows)
    rejected: set[int] = set()
    if recognizer is not None:
        passages = [
            (place, Passage(row.audio, row.text, row.start, _end(row), row.duration or 0.0))
            for place, row in enumerate(rows)
            if row.score is None
        ]
        for done, (place, result) in enumerate(score_passages(recognizer, passages), start=1):
            if done % 50 == 0 or done == len(passages):
                yield Scoring(done, len(passages))
            if isinstance(result, AudioError):
                rejected.add(place)
                yield Rejected(rows[place].row, "audio unreadable", str(result))
            else:
                scored[place] = replace(rows[place], score=result)
    for place, label in enumerate(scored):
        score = label.score
        if place not in rejected and score is not None and (score < bounds.min_score or score == -math.inf):
            rejected.add(place)
            yield Rejected(label.row, "not what is heard", f"score {score:.2f}, below {bounds.min_score:g}")
    order = sorted(
        (label.score, place) for place, label in enumerate(scored) if place not in rejected and label.score is not None
    )
    for score, place in order[: round(bounds.drop_worst * len(order))]:
        rejected.add(place)
        yield Rejected(scored[place].row, "among the worst scores", f"score {score:.2f}")
    yield from (label for place, label in enumerate(scored) if place not in rejected)


def _end(label: Label) -> Seconds | None:
    if label.start is None or label.duration is None:
        return None
    return label.start + label.duration


def _write(label: Label, clips: Path | None) -> Path:
    """The clip of a label, named by its recording, which tells apart those of one name, and its start."""
    from audiosearch.audio.clips import Cut, write_clip

    end = _end(label)
    assert clips is not None
    assert label.start is not None
    assert end is not None
    try:
        clips.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{clips}: cannot be a folder ({error.strerror}).") from error
    mark = hashlib.sha1(str(label.audio).encode(errors="replace")).hexdigest()[:6]
    stem = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in label.audio.stem)[:80]
    target = Path(clips.absolute(), f"{stem}-{mark}-{round(1000 * label.start):09}.flac")
    write_clip(
        Cut(label.audio, label.start, end, f"{label.start:.3f} s of {label.audio.name}"), target, mono_rate=CLIP_RATE
    )
    return target
