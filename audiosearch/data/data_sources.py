"""Training data named by the settings: manifests, folders of recordings, and caches made from either."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from audiosearch.config import AugmentConfig, DataConfig
from audiosearch.data.dataset import Recordings
from audiosearch.data.events import Decoding, LeftOut
from audiosearch.data.manifest import read_manifest
from audiosearch.data.pcm_cache import PcmCache, Reader, Source, build_cache, is_cache
from audiosearch.errors import ManifestError

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac", ".webm", ".mp4", ".aiff"})
"""Files that count as recordings in folders of noises and rooms; others are texts and licenses."""

Sources = Mapping[str, Sequence[Source]]
"""Recordings to decode, by the path in the settings; without caches, which are decoded already."""


def find_sources(data: DataConfig, augment: AugmentConfig) -> Sources:
    """List all recordings that the settings name, without decoding; at least one of each path must exist.

    Raises:
        ManifestError: a manifest or folder cannot be used.
    """
    sources: dict[str, Sequence[Source]] = {}
    for path in (*data.train, *data.valid):
        if not is_cache(Path(path)):
            sources[path] = _of_manifest(path)
    for path in (*augment.noise, *augment.rooms):
        if not is_cache(Path(path)):
            sources[path] = _of_folder(path)
    return sources


def decode_sources(sources: Sources, root: Path, sample_rate: int, read: Reader | None) -> Iterator[Decoding | LeftOut]:
    """Decode recordings that the caches in ``root`` lack."""
    for path, listed in sources.items():
        yield from build_cache(cache_folder(root, path), sample_rate, path, listed, read)


def load_recordings(paths: Sequence[str], root: Path, sample_rate: int) -> Recordings:
    """Decoded recordings of manifests, folders or caches."""
    folders = [Path(path) if is_cache(Path(path)) else cache_folder(root, path) for path in paths]
    return Recordings([PcmCache(folder, sample_rate) for folder in folders])


def cache_folder(root: Path, path: str) -> Path:
    """Folder of the decoded audio of a manifest or folder."""
    absolute = Path(path).absolute()
    name = absolute.parent.name if absolute.stem == "manifest" else absolute.stem
    return root / f"{name}-{hashlib.sha1(os.fsencode(absolute)).hexdigest()[:8]}"


def _of_manifest(path: str) -> list[Source]:
    if Path(path).is_dir():
        raise ManifestError(f"{path}: is a folder; give a manifest, made by `audiosearch manifest {path}`.")
    sources = [Source(row.audio, row.text, row.speaker, row.id) for row in read_manifest(path)]
    if not any(source.audio.is_file() for source in sources):
        first = sources[0].audio
        raise ManifestError(
            f"{path}: none of its {len(sources)} recordings exists (the first is {first}); paths in a manifest "
            "are relative to it."
        )
    return sources


def _of_folder(path: str) -> list[Source]:
    folder = Path(path)
    if not folder.is_dir():
        raise ManifestError(f"{path}: there is no such folder of recordings.")
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in AUDIO_SUFFIXES and file.is_file())
    if not files:
        raise ManifestError(f"{path}: contains no recordings ({', '.join(sorted(AUDIO_SUFFIXES))}).")
    return [Source(file, "", None, str(file.relative_to(folder))) for file in files]
