"""Prepare a model folder for release: weights in half precision (or 8 bits with --int8) without paths of training data,
a language model, and checksums of both. decoder.yaml and calibration.yaml are copied if the model has them. Otherwise
those of the previous model in the folder remain: run 'audiosearch tune' and 'audiosearch calibrate' for the new one.

python scripts/ship_model.py runs/deepspeech-small --language-model lm/ --output audiosearch/models/english
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch

from audiosearch.acoustic.checkpoint import load_model, save_model
from audiosearch.config import DataConfig
from audiosearch.language_model.model import MODEL_NAME, LanguageModel
from audiosearch.model_folder import CALIBRATION_NAME, DECODER_NAME, write_checksums


def main() -> int:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="run folder or model file")
    parser.add_argument("--language-model", type=Path, help=f"folder with {MODEL_NAME}")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--int8", action="store_true", help="weights as 8-bit integers, for large networks")
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    augment = model.config.augment.model_copy(update={"noise": (), "rooms": ()})
    config = model.config.model_copy(update={"data": DataConfig(), "augment": augment})
    target = arguments.output / "model.safetensors"
    dtype = torch.int8 if arguments.int8 else torch.float16
    save_model(target, model.network.state_dict(), config, model.alphabet, dtype=dtype)
    if arguments.language_model is not None:
        shutil.copy(LanguageModel.load(arguments.language_model).path, arguments.output / MODEL_NAME)
    folder = arguments.model if arguments.model.is_dir() else arguments.model.parent
    for name in (DECODER_NAME, CALIBRATION_NAME):
        if (folder / name).exists() and folder.resolve() != arguments.output.resolve():
            shutil.copy(folder / name, arguments.output / name)
    shipped = ("model.safetensors", MODEL_NAME)
    write_checksums(arguments.output, [name for name in shipped if (arguments.output / name).exists()])
    for file in sorted(arguments.output.iterdir()):
        print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
