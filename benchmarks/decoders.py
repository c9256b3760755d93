"""Speed and word errors of beam search decoders on the same emissions, with the same language model.

    python benchmarks/decoders.py dev/librispeech/manifest.jsonl dev/commonvoice/manifest.jsonl \\
        --arpa lm.arpa [--picture decoders.png] [--loop CHECKOUT PYTHON] [--pyctcdecode PYTHON] [--flashlight PYTHON]

The core is measured at several beam widths, as ``index`` calls it (with alternatives) and for the text alone. The
rivals run in interpreters of their own on the same core of the processor: the search of an earlier commit (CHECKOUT, a
clone at e44ab8d, and the Python of its environment), pyctcdecode and flashlight-text, each with KenLM and the model's
language model in ARPA format (``audiosearch lm --write-arpa``), or as a binary made of that by KenLM's build_binary.
A rival without an interpreter is left out. Speeds are seconds of audio per second of processor time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

WIDTHS = (32, 128, 384, 512)
WIDE = (1000, 2000)
"""Further widths of the core."""
LM_WEIGHTS = ("alpha", "beta", "unknown_score", "beam_prune_logp", "token_min_logp")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifests", nargs="*", type=Path, metavar="MANIFEST")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--minutes", type=float, default=8.0, help="of each manifest, speakers mixed")
    parser.add_argument("--arpa", type=Path, help="language model of the rivals")
    parser.add_argument("--loop", nargs=2, metavar=("CHECKOUT", "PYTHON"))
    parser.add_argument("--pyctcdecode", metavar="PYTHON")
    parser.add_argument("--flashlight", metavar="PYTHON")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        _work(arguments.worker[0], Path(arguments.worker[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        _compare(arguments, Path(folder))


def _compare(arguments: argparse.Namespace, folder: Path) -> None:
    import numpy as np

    from audiosearch.evaluation.metrics import word_errors

    utterances, task = _prepare(arguments)
    np.savez(folder / "emissions.npz", *[log_probs for _, _, log_probs in utterances])
    rows: list[tuple[str, int, dict[str, float], float]] = []
    audio_seconds = task.pop("seconds")

    def measure(kind: str, name: str, widths: tuple[int, ...], python: str, path: str = "") -> None:
        for width in widths:
            (folder / "task.json").write_text(json.dumps({**task, "beam_width": width}))
            command = [python, __file__, "--worker", kind, str(folder)]
            environment = {"PYTHONPATH": path} if path else {}
            subprocess.run(command, check=True, env={**_environment(), **environment})
            result = json.loads((folder / "result.json").read_text())
            errors = {}
            for manifest in dict.fromkeys(name for name, _, _ in utterances):
                chosen = [n for n, utterance in enumerate(utterances) if utterance[0] == manifest]
                references = [utterances[n][1] for n in chosen]
                errors[manifest] = word_errors(references, [result["texts"][n] for n in chosen]).rate
            rows.append((name, width, errors, audio_seconds / result["seconds"]))
            shown = "  ".join(f"{manifest} {100 * error:.1f} %" for manifest, error in errors.items())
            print(f"{name:24} width {width:5}  {rows[-1][3]:7.0f} × real time  {shown}", flush=True)

    print(f"{len(utterances)} utterances, {audio_seconds / 60:.1f} minutes")
    if arguments.loop:
        measure("loop", "loop of the checkout", WIDTHS, arguments.loop[1], arguments.loop[0])
    if arguments.pyctcdecode:
        measure("pyctcdecode", "pyctcdecode", WIDTHS[:2], arguments.pyctcdecode)
    if arguments.flashlight:
        measure("flashlight", "flashlight", (*WIDTHS, *WIDE), arguments.flashlight)
    here = str(Path(__file__).parents[1])
    measure("core", "core, text alone", (*WIDTHS, *WIDE), sys.executable, here)
    measure("alternatives", "core, with alternatives", (*WIDTHS, *WIDE), sys.executable, here)
    if arguments.loop:
        base = next(speed for name, width, _, speed in rows if name.startswith("loop") and width == 384)
        print("\nratio to the loop at width 384:")
        for name, width, _, speed in rows:
            print(f"{name:24} width {width:5}  {speed / base:6.1f}")
    if arguments.picture:
        _draw(rows, arguments.picture)


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "OMP_NUM_THREADS": "1"}


def _prepare(arguments: argparse.Namespace) -> tuple[list[tuple[str, str, Any]], dict[str, Any]]:
    """Set, text and log-probabilities without label priors of each utterance; what the rivals need besides."""
    import random

    from audiosearch.data.manifest import read_manifest
    from audiosearch.decoding.label_priors import subtract_label_priors
    from audiosearch.model_folder import find_model
    from audiosearch.recognizer import Recognizer

    model = find_model(arguments.model)
    utterances = []
    total = 0.0
    with Recognizer.load(model) as recognizer:
        for path in arguments.manifests:
            rows = list(read_manifest(path))
            random.Random(5).shuffle(rows)
            seconds = 0.0
            for row in rows:
                seconds += row.duration or 0.0
                if seconds > 60 * arguments.minutes:
                    break
                for number, segment in enumerate(recognizer.emissions(row.audio)):
                    text = row.text if number == 0 else ""
                    log_probs = subtract_label_priors(segment, recognizer.decoder).log_probs
                    utterances.append((path.parent.name, text, log_probs))
                    total += len(segment) * segment.frame_duration
        settings = recognizer.decoder.model_dump()
        labels = list(recognizer.model.alphabet.labels)
        assert recognizer.language_model is not None, "the model has no language model"
        words = list(recognizer.language_model.words)
        lm = recognizer.language_model.path
    task = {name: settings[name] for name in LM_WEIGHTS}
    arpa = str(arguments.arpa or "")
    return utterances, {**task, "labels": labels, "words": words, "lm": str(lm), "arpa": arpa, "seconds": total}


# Workers, which run in the interpreters of the rivals and import nothing of this project but what they measure.


def _work(kind: str, folder: Path) -> None:
    import numpy as np

    task = json.loads((folder / "task.json").read_text())
    with np.load(folder / "emissions.npz") as stored:
        emissions = [stored[name] for name in stored.files]
    decode = {
        "core": _core,
        "alternatives": _alternatives,
        "loop": _loop,
        "pyctcdecode": _pyctcdecode,
        "flashlight": _flashlight,
    }[kind](task)
    decode(emissions[0])
    started = time.process_time()
    texts = [decode(log_probs) for log_probs in emissions]
    seconds = time.process_time() - started
    (folder / "result.json").write_text(json.dumps({"texts": texts, "seconds": seconds}))


def _core(task: dict[str, Any], *, alternatives: bool = False) -> Any:
    from audiosearch.alphabet import Alphabet
    from audiosearch.config import DecoderConfig
    from audiosearch.decoding.decoder import BeamDecoder
    from audiosearch.language_model.model import LanguageModel
    from audiosearch.types import Emissions

    config = DecoderConfig(**{name: task[name] for name in LM_WEIGHTS}, beam_width=task["beam_width"])
    decoder = BeamDecoder(Alphabet(tuple(task["labels"])), config, LanguageModel(Path(task["lm"])))
    if alternatives:
        return lambda log_probs: decoder.decode_with_alternatives(Emissions(log_probs, 0.03)).text
    return lambda log_probs: decoder.decode(Emissions(log_probs, 0.03))[0].text


def _alternatives(task: dict[str, Any]) -> Any:
    return _core(task, alternatives=True)


def _loop(task: dict[str, Any]) -> Any:
    """The search of commit e44ab8d, with alternatives, as its ``index`` calls it."""
    from audiosearch.decoder import BeamDecoder  # type: ignore[import-not-found, unused-ignore]
    from audiosearch.lm import LanguageModel  # type: ignore[import-not-found, unused-ignore]
    from audiosearch.text import Alphabet  # type: ignore[import-not-found, unused-ignore]

    from audiosearch.config import DecoderConfig  # type: ignore[attr-defined, unused-ignore]
    from audiosearch.types import Emissions

    config = DecoderConfig(**{name: task[name] for name in LM_WEIGHTS}, beam_width=task["beam_width"])
    language_model = LanguageModel(Path(task["arpa"]), tuple(task["words"]))
    decoder = BeamDecoder(Alphabet(tuple(task["labels"])), config, language_model)
    decoder.prepare()
    return lambda log_probs: decoder.read(Emissions(log_probs, 0.03)).text


def _pyctcdecode(task: dict[str, Any]) -> Any:
    from pyctcdecode import build_ctcdecoder

    decoder = build_ctcdecoder(
        task["labels"],
        kenlm_model_path=task["arpa"],
        unigrams=task["words"],
        alpha=task["alpha"],
        beta=task["beta"],
        unk_score_offset=task["unknown_score"],
    )
    limits = {name: task[name] for name in ("beam_width", "beam_prune_logp", "token_min_logp")}
    return lambda log_probs: decoder.decode(log_probs, **limits)


def _flashlight(task: dict[str, Any]) -> Any:
    import math

    import numpy as np
    from flashlight.lib.text.decoder import (
        CriterionType,
        KenLM,
        LexiconDecoder,
        LexiconDecoderOptions,
        SmearingMode,
        Trie,
    )
    from flashlight.lib.text.dictionary import Dictionary

    labels = task["labels"]
    blank, space = labels.index(""), labels.index(" ")
    number = {label: n for n, label in enumerate(labels)}
    words = Dictionary()
    for word in (*task["words"], "<unk>"):
        words.add_entry(word)
    lm = KenLM(task["arpa"], words)
    trie = Trie(len(labels), space)
    start = lm.start(False)
    for n, word in enumerate(task["words"]):
        _, score = lm.score(start, n)
        trie.insert([*(number[letter] for letter in word), space], n, score)
    trie.smear(SmearingMode.MAX)
    options = LexiconDecoderOptions(
        beam_size=task["beam_width"],
        beam_size_token=len(labels),
        beam_threshold=-task["beam_prune_logp"],
        lm_weight=task["alpha"] * math.log(10),  # its scores are decimal logarithms
        word_score=task["beta"],
        unk_score=-math.inf,
        sil_score=0.0,
        log_add=True,
        criterion_type=CriterionType.CTC,
    )
    decoder = LexiconDecoder(options, trie, lm, space, blank, len(task["words"]), [], False)

    def decode(log_probs: Any) -> str:
        rows = np.ascontiguousarray(log_probs, np.float32)
        results = decoder.decode(rows.ctypes.data, *rows.shape)
        return " ".join(words.get_entry(word) for word in results[0].words if word >= 0)

    return decode


def _draw(rows: list[tuple[str, int, dict[str, float], float]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5))
    for name in dict.fromkeys(row[0] for row in rows):
        chosen = [row for row in rows if row[0] == name]
        errors = [100 * sum(row[2].values()) / len(row[2]) for row in chosen]
        axes.plot([row[3] for row in chosen], errors, "o-", label=name)
        for row, error in zip(chosen, errors, strict=True):
            axes.annotate(str(row[1]), (row[3], error), textcoords="offset points", xytext=(4, 4), fontsize=8)
    axes.set_xscale("log")
    axes.set_xlabel("seconds of audio a second of one core")
    axes.set_ylabel("word errors, mean of the sets, %")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
