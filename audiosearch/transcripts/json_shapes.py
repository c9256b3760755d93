"""Shapes of transcripts in JSON by programs and services: paths to their segments, words and speakers.

Names are compared without case, underscores and spaces, so that ``start_time``, ``startTime`` and ``"start_time "`` are
one. In a path ``[]`` is each item of a list, ``[0]`` the first, ``*`` each value of an object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Shape:
    """Form of a transcript.

    Args:
        kind: short name, kept in the index.
        title: name in messages.
        segments: path to the segments; "" is the document.
        words: path from a segment to its words; "" if segments are words or have none.
        needs: paths of which one must lead to a value, where the others do not tell the shape.
        turns: path to spans with a speaker.
        is_joined: True if words are pieces that begin with a space where a word begins.
    """

    kind: str
    title: str
    segments: str
    words: str = ""
    needs: tuple[str, ...] = ()
    turns: str = ""
    is_joined: bool = False


WORDS = Shape("whisperx", "JSON of segments", "", "words[]")
"""Words alone, as services like OpenAI's write them; their segments have this shape, too."""

SHAPES = (
    Shape("json", "audiosearch", "", "words[]", ("path",)),
    Shape("whisper.cpp", "whisper.cpp", "transcription[]", "tokens[]", is_joined=True),
    Shape("gladia", "Gladia", "transcription.utterances[]", "words[]"),
    Shape("whisperx", "Whisper", "segments[]", "words[]"),
    Shape("whisperx", "Whisper", "wordsegments[]"),
    Shape("transformers", "transformers", "chunks[]", turns="speakers[]"),
    Shape("elevenlabs", "ElevenLabs", "transcripts[]", "words[]", ("transcripts[].channelindex",)),
    Shape("deepspeech", "DeepSpeech or Coqui STT", "transcripts[0]", "words[]"),
    Shape("deepgram", "Deepgram", "results.channels[]", "alternatives[0].words[]"),
    Shape("deepgram", "Deepgram", "results.utterances[]", "words[]"),
    Shape("deepgram", "Deepgram", "channel", "alternatives[0].words[]"),
    Shape("aws", "Amazon Transcribe", "results.channellabels.channels[]", "items[]"),
    Shape("aws", "Amazon Transcribe", "results", "items[]", turns="results.speakerlabels.segments[]"),
    Shape("aws", "Amazon Transcribe", "transcript[]", "items[]", ("transcript[].content",)),
    Shape("speechmatics", "Speechmatics", "", "results[]", ("results[].alternatives[].content",)),
    Shape(
        "watson",
        "IBM Watson",
        "results[]",
        "alternatives[0].timestamps[]",
        ("results[].final", "speakerlabels"),
        turns="speakerlabels[]",
    ),
    Shape("google", "Google Speech-to-Text", "results[]", "alternatives[0].words[]"),
    Shape("google", "Google Speech-to-Text", "results.*.transcript.results[]", "alternatives[0].words[]"),
    Shape("google", "Google Speech-to-Text", "results.*.inlineresult.transcript.results[]", "alternatives[0].words[]"),
    Shape("azure", "Azure Speech", "recognizedphrases[]", "nbest[0].words[]"),
    Shape("azure", "Azure Speech", "audiofileresults[].segmentresults[]", "nbest[0].words[]"),
    Shape("azure", "Azure Speech", "", "nbest[0].words[]"),
    Shape("azure", "Azure Speech", "phrases[]", "words[]"),
    Shape("vosk", "Vosk", "monologues[]", "terms[]", ("monologues[].terms",)),
    Shape("revai", "Rev AI", "monologues[]", "elements[]"),
    Shape("assemblyai", "AssemblyAI", "", "words[]", ("audioduration", "audiourl", "speechmodel")),
    Shape("assemblyai", "AssemblyAI", "utterances[]", "words[]", ("audioduration", "audiourl", "speechmodel")),
    Shape("gentle", "Gentle", "", "words[]", ("words[].case", "words[].alignedword")),
    Shape("nemo", "NeMo", "timestamp.word[]"),
    Shape("nemo", "NeMo", "timestep.word[]"),
    Shape("pocketsphinx", "PocketSphinx", "", "w[]"),
    Shape("parakeet", "Parakeet", "sentences[]", "tokens[]", is_joined=True),
    Shape("mfa", "the Montreal Forced Aligner", "tiers.words", "entries[]"),
    Shape("sherpa", "sherpa-onnx", "", "tokens[]", ("tokens[].startsec",), is_joined=True),
    Shape("soniox", "Soniox", "", "tokens[]", ("tokens[].startms",), is_joined=True),
    Shape("vosk", "Vosk", "", "result[]"),
    Shape("vosk", "Vosk", "alternatives[0]", "result[]"),
    Shape("utterances", "services with utterances", "utterances[]", "words[]"),
    WORDS,
)
"""All shapes; of several that fit the first one holds."""

STREAMED = {"vosk", "deepgram", "azure", "watson", "speechmatics", "google", "pocketsphinx", "soniox"}
"""Kinds that write the results of a recording one after another."""

HINTS = {
    "whisperx": "align it with WhisperX, or make Whisper write word timestamps",
    "whisper.cpp": "write it with -ojf (--output-json-full)",
    "transformers": 'call the pipeline with return_timestamps="word"',
    "vosk": "call SetWords(True) of the Vosk recognizer",
    "google": "set enableWordTimeOffsets",
    "azure": "set wordLevelTimestampsEnabled",
    "watson": "set timestamps=true",
}
"""Ways to get times of words; those of the others have them always, or by an option of that name."""


TEXTS = ("punctuatedword", "word", "text", "value", "content", "displaytext", "display", "transcript", "lexical", "t")
"""Names of the text of a word or segment."""

CONFIDENCES = ("score", "confidence", "conf", "probability", "prob", "p")
LOG_PROBABILITIES = ("logprob", "avglogprob")

SPEAKERS = ("voice", "speaker", "speakername", "speakerid", "speakerlabel", "speakertag", "participantrole")
CHANNELS = ("channel", "channelid", "channellabel", "channeltag", "channelnumber", "channelindex")

NO_WORDS = {"spacing", "audioevent", "nonlex", "noise", "misc", "speakerchange", "endofsentence"}
"""Types of entries that are no words."""

MARKS = {"punct", "punctuation"}
"""Types of entries that end the word before them."""


def canonical(value: Any) -> Any:
    """A value of JSON with canonical names at all depths; of equal names the first with a value counts."""
    if isinstance(value, dict):
        fields: dict[str, Any] = {}
        for name, item in value.items():
            key = canonical_name(name)
            if fields.get(key) is None:
                fields[key] = canonical(item)
        return fields
    return [canonical(item) for item in value] if isinstance(value, list) else value


@lru_cache(maxsize=4096)
def canonical_name(name: str) -> str:
    """A name without case and separators."""
    return re.sub(r"[\W_]", "", name).lower()


def shape_of(document: Any) -> Shape | None:
    """The shape of a canonical document; None if it has none of ``SHAPES``."""
    return next((shape for shape in SHAPES if _fits(shape, document)), None)


def _fits(shape: Shape, document: Any) -> bool:
    if shape.needs and all(value_at(document, path) is None for path in shape.needs):
        return False
    if shape.segments.endswith("[]"):
        return isinstance(value_at(document, shape.segments[:-2]), list)
    return isinstance(value_at(value_at(document, shape.segments), shape.words[:-2]), list)


def value_at(value: Any, path: str) -> Any:
    """The first value other than None at a path; None if there is none."""
    return next((item for _, item, _ in walk(value, path) if item is not None), None)


def walk(
    value: Any, path: str, place: str = "", voices: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Values at a path, each with its place and with the speaker and channel of the objects around it."""
    voices = voices or {}
    if isinstance(value, dict):
        voices = {**voices, **{name: value[name] for name in (*SPEAKERS, *CHANNELS) if value.get(name) is not None}}
    if not path:
        yield place, value, voices
        return
    step, _, rest = path.partition(".")
    name, bracket, index = step.partition("[")
    if not isinstance(value, dict):
        return
    items = list(value.items()) if name == "*" else [(name, value.get(name))]
    for key, item in items:
        here = f"{place}.{key}" if place else key
        if not bracket:
            yield from walk(item, rest, here, voices)
        elif isinstance(item, list):
            for number, part in enumerate(item[:1] if index == "0]" else item):
                by_place = {"channelindex": number} if name == "channels" and len(item) > 1 else {}
                yield from walk(part, rest, f"{here}[{number}]", {**by_place, **voices})
