"""Quality of the search by words, by sound and by both, compared with exact search in the best transcripts.

    python benchmarks/search_quality.py dev/*/manifest.jsonl --word-times dev/word-times/word-times.ctm
    python benchmarks/search_quality.py dev.jsonl --model runs/mine --keep /tmp/quality --json

Confidences are calibrated on half of the speakers of the same manifests (``audiosearch calibrate``); the other half is
measured. Queries are drawn as by ``audiosearch evaluate --search``; ``indexer/evaluation/std_metrics.py`` defines the
measures. *Hard* queries contain an out-of-vocabulary word, or are spelled correctly in the best transcripts at less
than half of their occurrences.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audiosearch.data.manifest import Utterance, read_manifest, write_manifest
from audiosearch.evaluation.confidence_fitting import split_by_speaker

CLASSES = {
    "all": "all",
    "in the vocabulary": "in the vocabulary",
    "out of the vocabulary": "out of it",
    "misspelled": "misspelled",
    "out of the vocabulary or misspelled": "hard",
}
LENGTHS = {
    "1 word": "1 word",
    "2 words": "2 words",
    "3 words": "3 words",
    "4 words": "4 words",
}
MEASURES = {
    "precision": "precision",
    "recall": "recall",
    "average_precision": "average precision",
    "recall_at_precision_0.8": "recall at precision 0.8",
    "atwv": "ATWV",
    "mtwv": "MTWV",
    "otwv": "OTWV",
    "recall_ceiling": "recall ceiling",
}
HARD, IN, AT = "out of the vocabulary or misspelled", "in the vocabulary", "recall_at_precision_0.8"

Record = dict[str, Any]


def held_out(utterances: Sequence[Utterance]) -> list[Utterance]:
    """Utterances of speakers that the calibration does not use."""
    words: Counter[str] = Counter()
    for utterance in utterances:
        words[utterance.speaker or utterance.id] += len(utterance.text.split())
    fitted = split_by_speaker(words)
    return [utterance for utterance in utterances if (utterance.speaker or utterance.id) not in fitted]


def evaluate(manifest: Path, mode: str, keep: Path, options: Sequence[str]) -> Record:
    """Record printed by ``audiosearch evaluate --search``."""
    program = Path(__file__).resolve().parent.parent / "cli.py"
    command = [sys.executable, str(program), "evaluate", "--search", str(manifest), "--mode", mode, "--keep", str(keep)]
    done = subprocess.run([*command, *options, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    record: Record = json.loads(done.stdout)
    return record


def table(rows: Sequence[tuple[str, str, Record]]) -> str:
    """Measures of searches and classes, as Markdown."""
    lines = [["queries", "search", "number", "occurrences", "hits", *MEASURES.values()]]
    lines.append(["---", "---", *["---:"] * (len(lines[0]) - 2)])
    for name, search, record in rows:
        counts = [f"{record[key]:,}" for key in ("queries", "occurrences", "hits")]
        values = ["" if record[key] is None else f"{record[key]:.2f}" for key in MEASURES]
        lines.append([name, search, *counts, *values])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def targets(record: Record) -> list[str]:
    """Targets of the search, and the values reached."""
    ours, exact = record["classes"], record["exact"]
    before, after = exact[HARD][AT], ours[HARD][AT]
    times = f"{after / before:.1f} times" if before else "against"
    gain = ours["all"]["mtwv"] - exact["all"]["mtwv"]
    return [
        f"recall of hard queries at precision 0.8: {after:.3f}, {times} the {before:.3f} of exact search (at least 3)",
        f"MTWV of all queries: {ours['all']['mtwv']:.3f}, {gain:+.3f} (at least +0.100)",
        f"precision in the vocabulary: {ours[IN]['precision']:.3f} with recall {ours[IN]['recall']:.3f}; "
        f"exact search {exact[IN]['precision']:.3f} with recall {exact[IN]['recall']:.3f} (precision not worse)",
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifests", type=Path, nargs="+")
    parser.add_argument("--word-times", type=Path, help="CTM with word times of some or all utterances")
    parser.add_argument("--model", type=Path, help="file or folder (default: the installed model)")
    parser.add_argument("--keep", type=Path, help="folder for the index, reused by later runs")
    parser.add_argument("--all-speakers", action="store_true", help="include the speakers of the calibration")
    parser.add_argument("--json", action="store_true", help="one JSON object, by mode")
    arguments = parser.parse_args()
    utterances = [utterance for manifest in arguments.manifests for utterance in read_manifest(manifest)]
    chosen = utterances if arguments.all_speakers else held_out(utterances)
    options = [] if arguments.model is None else ["--model", str(arguments.model)]
    options += [] if arguments.word_times is None else ["--word-times", str(arguments.word_times)]
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "half.jsonl"
        write_manifest(manifest, chosen)
        keep = arguments.keep or Path(folder) / "kept"
        records = {mode: evaluate(manifest, mode, keep, options) for mode in ("words", "sound", "auto")}
    if len({record["model"] for record in records.values()}) > 1:
        sys.exit("the model or its calibration has changed during the measurement; measure again.")
    if arguments.json:
        print(json.dumps(records))
        return
    auto = records["auto"]
    speakers = len({utterance.speaker for utterance in chosen})
    print(f"{auto['recordings']} recordings of {speakers} speakers, {auto['seconds'] / 60:.1f} minutes.\n")
    rows = []
    for names, modes in ((CLASSES, list(records)), (LENGTHS, ["auto"])):
        for name, label in names.items():
            if name in auto["classes"]:
                rows.append((label, "exact", auto["exact"][name]))
                rows += [("", mode, records[mode]["classes"][name]) for mode in modes]
    print(table(rows), end="\n\n")
    print("\n".join(targets(auto)), end="\n\n")
    for mode, record in records.items():
        start_error = record["start_error"]
        if start_error is not None:
            print(
                f"{mode}: start times of correct hits, median error {start_error['median'] * 1000:.0f} ms, "
                f"95th percentile {start_error['p95'] * 1000:.0f} ms"
            )
            print(f"{mode}: expected calibration error {record['expected_calibration_error']:.3f}")
    print("\n| confidence | " + " | ".join(f"{mode}: hits | confidence | correct" for mode in records) + " |")
    print("| --- |" + " ---: |" * 9)
    for low in range(10):
        cells = []
        for record in records.values():
            rows_of_bin = [row for row in record["reliability"] if round(10 * row["low"]) == low]
            cells += [f"{row['hits']:,} | {row['confidence']:.0%} | {row['correct']:.0%}" for row in rows_of_bin] or [
                " | | "
            ]
        print(f"| {low / 10:.1f}–{(low + 1) / 10:.1f} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
