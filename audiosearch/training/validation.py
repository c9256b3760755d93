"""Loss and error rates of the averaged weights on validation utterances.

Legend: B batch, T' emission frames, V labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from audiosearch.acoustic.features import Features
from audiosearch.acoustic.model import DeepSpeech
from audiosearch.alphabet import Alphabet
from audiosearch.data.dataset import Dataset
from audiosearch.evaluation.metrics import ErrorRate, character_errors, word_errors
from audiosearch.training.distributed import Processes
from audiosearch.training.events import Pair
from audiosearch.types import Seconds


@dataclass(frozen=True, slots=True)
class Scores:
    """Results over all processes; ``loss`` in nats per label, ``pairs`` of this process."""

    loss: float
    words: ErrorRate
    characters: ErrorRate
    utterances: int
    pairs: tuple[Pair, ...]


def validate(
    network: DeepSpeech,
    features: Features,
    dataset: Dataset,
    alphabet: Alphabet,
    processes: Processes,
    *,
    batch_seconds: Seconds,
    bf16: bool,
    samples: int,
) -> Scores:
    """Score a network on a dataset by greedy decoding.

    Utterances with fewer frames than CTC needs are decoded like all others but have no loss.

    Args:
        samples: number of pairs of reference and prediction to return.
    """
    network.eval()
    loss, labels = 0.0, 0
    predictions: dict[int, str] = {}
    for chosen in _batches(dataset, batch_seconds * features.config.sample_rate)[processes.rank :: processes.count]:
        x, lengths = _padded(dataset, chosen)
        with torch.inference_mode():
            x, lengths = features(x.to(processes.device), lengths.to(processes.device))
            with torch.autocast(processes.device.type, torch.bfloat16, enabled=bf16):
                log_probs, lengths = network(x, lengths)
            targets = torch.from_numpy(np.concatenate([dataset.labels[number] for number in chosen])).long()
            target_lengths = torch.from_numpy(dataset.label_lengths[chosen])
            losses = nn.functional.ctc_loss(
                log_probs.transpose(0, 1), targets.to(log_probs.device), lengths, target_lengths.to(lengths.device),
                blank=alphabet.blank, reduction="none",
            ).cpu()  # fmt: skip
        finite = losses.isfinite()
        loss += float(losses[finite].sum())
        labels += int(target_lengths[finite].sum())
        for number, text in zip(chosen, decode_greedily(log_probs, lengths, alphabet), strict=True):
            predictions[number] = text
    texts = [dataset.texts[number] for number in predictions]
    words, characters = (
        word_errors(texts, list(predictions.values())),
        character_errors(texts, list(predictions.values())),
    )
    totals = processes.sum(
        [loss, labels, words.errors, words.total, characters.errors, characters.total, len(predictions)]
    )
    shown = sorted(predictions)[:: max(len(predictions) // max(samples, 1), 1)][:samples]
    return Scores(
        totals[0] / max(totals[1], 1),
        ErrorRate(int(totals[2]), int(totals[3])),
        ErrorRate(int(totals[4]), int(totals[5])),
        int(totals[6]),
        tuple(Pair(dataset.texts[number], predictions[number]) for number in shown),
    )


def decode_greedily(log_probs: Tensor, lengths: Tensor, alphabet: Alphabet) -> list[str]:
    """Greedy decoding of log-probs [B, T', V]: most probable label per frame, without repetitions and blanks."""
    best = log_probs.argmax(2).cpu()
    texts = []
    for row, length in zip(best, lengths.tolist(), strict=True):
        labels = torch.unique_consecutive(row[:length]).tolist()
        texts.append(" ".join(alphabet.decode(labels).split()))
    return texts


def _batches(dataset: Dataset, batch_samples: float) -> list[list[int]]:
    """Batches of utterances, from long to short."""
    order = np.argsort(-dataset.samples, kind="stable").tolist()
    batches = []
    while order:
        count = max(int(batch_samples / dataset.samples[order[0]]), 1)
        batches.append(order[:count])
        order = order[count:]
    return batches


def _padded(dataset: Dataset, chosen: list[int]) -> tuple[Tensor, Tensor]:
    lengths = dataset.samples[chosen]
    x = np.zeros((len(chosen), int(lengths.max())), dtype=np.float32)
    for row, number in enumerate(chosen):
        x[row, : lengths[row]] = dataset.read(number) / np.float32(32768)
    return torch.from_numpy(x), torch.from_numpy(lengths)
