"""Download of public corpora by torchaudio, which verifies the checksum of each archive."""

from __future__ import annotations

import http.client
import shutil
import socket
import tarfile
import urllib.error
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

from audiosearch.errors import ManifestError, reason_of
from audiosearch.files import lock_folder

LIBRISPEECH_SETS = (
    "dev-clean",
    "dev-other",
    "test-clean",
    "test-other",
    "train-clean-100",
    "train-clean-360",
    "train-other-500",
)
CORPORA = ("ljspeech", *(f"librispeech:{name}" for name in LIBRISPEECH_SETS))
"""Names that ``download`` accepts."""

TIMEOUT_SECONDS = 60.0
"""Time without data after which a server is given up."""


@dataclass(frozen=True)
class Corpus:
    """A corpus on disk: folder and kind, as ``read_corpus`` takes them."""

    folder: Path
    kind: str


def corpus_location(name: str, folder: Path) -> Corpus:
    """Location of a corpus below ``folder``, downloaded or not.

    Raises:
        ManifestError: there is no corpus of that name to download.
    """
    if name == "ljspeech":
        return Corpus(folder / "LJSpeech-1.1", "ljspeech")
    if name in CORPORA:
        return Corpus(folder / "LibriSpeech" / name.partition(":")[2], "librispeech")
    if name.startswith("commonvoice"):
        raise ManifestError(
            "Common Voice can only be downloaded from its website, after accepting its terms; "
            "unpack a release and give its folder: audiosearch manifest cv-corpus/en"
        )
    raise ManifestError(f"--download {name}: there is no such corpus; there are {', '.join(CORPORA)}.")


def download(name: str, folder: Path) -> Corpus:
    """Download a corpus into ``folder`` unless it exists; it gets its name only once it is complete.

    Raises:
        ManifestError: the name is unknown, the download fails, the checksum is wrong or the disk is full.
        InUseError: another process downloads into the folder.
    """
    corpus = corpus_location(name, folder)
    if corpus.folder.is_dir():
        return corpus
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ManifestError(f"{folder}: cannot be created as a folder ({error.strerror}).") from error
    with lock_folder(folder):
        _download(name, folder, corpus)
    return corpus


def _download(name: str, folder: Path, corpus: Corpus) -> None:
    unfinished = folder / f".{name.replace(':', '-')}.download"
    timeout = socket.getdefaulttimeout()
    try:
        shutil.rmtree(unfinished, ignore_errors=True)  # left by a killed run
        unfinished.mkdir(parents=True)
        socket.setdefaulttimeout(TIMEOUT_SECONDS)
        _fetch(name, unfinished)
        corpus.folder.parent.mkdir(parents=True, exist_ok=True)
        (unfinished / corpus.folder.relative_to(folder)).replace(corpus.folder)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        cause = getattr(error, "reason", None) or error
        reason = "the connection ended early" if isinstance(cause, http.client.HTTPException) else reason_of(cause)
        raise ManifestError(f"--download {name}: download failed ({reason}); nothing was kept.") from error
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ManifestError(
            f"--download {name}: the archive is damaged ({reason_of(error)}); nothing was kept."
        ) from error
    except RuntimeError as error:
        if "hash" not in str(error):
            raise
        raise ManifestError(
            f"--download {name}: the checksum of the download is wrong, so nothing was kept; try again later."
        ) from error
    finally:
        socket.setdefaulttimeout(timeout)
        shutil.rmtree(unfinished, ignore_errors=True)


def _fetch(name: str, folder: Path) -> None:
    from torchaudio import datasets

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of tarfile, about filters; the checksum is right
        if name == "ljspeech":
            datasets.LJSPEECH(folder, download=True)
        else:
            datasets.LIBRISPEECH(folder, url=name.partition(":")[2], download=True)
