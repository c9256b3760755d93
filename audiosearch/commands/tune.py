"""``audiosearch tune``: the weights of the language model and of the label priors."""

from __future__ import annotations

import os
from pathlib import Path

import click

from audiosearch.commands.options import model_option


@click.command(
    epilog="""\b
Examples:
  audiosearch tune speech/dev/librispeech/manifest.jsonl
  audiosearch tune dev.jsonl --model runs/mine --limit 200"""
)
@click.argument("manifest", metavar="MANIFEST", type=click.Path(path_type=Path))
@model_option
@click.option("--limit", type=click.IntRange(min=1), help="Only so many utterances, the first ones.")
@click.option("--processes", type=click.IntRange(min=0), help="For decoding; 0: one for each core.")
def tune(manifest: Path, model: Path | None, limit: int | None, processes: int | None) -> None:
    """Find alpha, the language model's weight, beta, the bonus of a word, and the weight of the label priors.

    The priors tell how likely each letter is by itself, which the language model knows better: they are measured on
    the utterances of MANIFEST, and divided out as far as their weight says. The weights with the fewest word errors
    are stored in decoder.yaml beside the model and used from then on. The utterances should be none that the networks
    or the language model learned from; half an hour is enough.
    """
    from rich.console import Console
    from rich.progress import track

    from audiosearch.data.manifest import read_manifest
    from audiosearch.errors import AudioError, ConfigError, LanguageModelError
    from audiosearch.language_model.kenlm_model import MODEL_NAME
    from audiosearch.model_folder import find_model, save_decoder_settings

    path = find_model(model)
    folder = path if path.is_dir() else path.parent
    if not (folder / MODEL_NAME).exists():
        raise LanguageModelError(f"{folder}: has no language model to weigh; make {MODEL_NAME} by 'audiosearch lm'.")
    if not os.access(folder, os.W_OK):
        raise ConfigError(
            f"{folder}: cannot be written to; copy the model to a folder of yours and name it by --model."
        )
    utterances = read_manifest(manifest)[:limit]

    from audiosearch.decoding.label_priors import estimate_label_priors
    from audiosearch.evaluation.decoder_tuning import Example
    from audiosearch.evaluation.decoder_tuning import tune as trials
    from audiosearch.recognizer import Recognizer

    screen = Console(stderr=True)
    examples, failed = [], False
    with Recognizer.load(path) as recognizer:
        listening = track(utterances, "Listening", console=screen, transient=True, disable=not screen.is_terminal)
        for utterance in listening:
            try:
                examples.append(Example(tuple(recognizer.emissions(utterance.audio)), utterance.text))
            except AudioError as error:
                click.echo(f"Error: {utterance.id}: {error}", err=True)
                failed = True
        alphabet, config, language_model = recognizer.model.alphabet, recognizer.decoder, recognizer.language_model
        assert language_model is not None
    best = None
    if examples:
        label_priors = estimate_label_priors(emissions for example in examples for emissions in example.emissions)
        config = config.model_copy(update={"label_priors": label_priors})
        for trial in trials(examples, alphabet, config, language_model, processes):
            weights, mark = trial.weights, "  best so far" if trial.best else ""
            line = f"alpha {weights.alpha:<6g} beta {weights.beta:<6g} prior {weights.prior:<6g}"
            click.echo(f"{line} word errors {trial.errors.rate:.2%}{mark}", err=True)
            best = trial if trial.best else best
    if best is not None:
        stored = save_decoder_settings(folder, best.weights.settings(label_priors))
        click.echo(
            f"alpha {best.weights.alpha:g}, beta {best.weights.beta:g}, prior {best.weights.prior:g}: "
            f"{best.errors.rate:.2%} word errors ({best.errors.errors} of {best.errors.total}); stored in {stored}"
        )
    if failed:
        raise click.exceptions.Exit(1)
