"""Files and parts of files opened by FFmpeg, their packets and decoded frames."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiosearch.audio.ffmpeg.frames import damage
from audiosearch.audio.ffmpeg.tracks import choose_track, track_of
from audiosearch.audio.file_parts import OGG, FilePart, amended_header, lacks_index, ogg_parts
from audiosearch.audio.formats import DEMUXERS, sphere_coding
from audiosearch.errors import AudioError

if TYPE_CHECKING:
    from av.container import InputContainer

logger = logging.getLogger(__name__)

FIRST_PACKETS = 20
"""Packets that decide whether a file is audio; in random bytes an mp3 decoder occasionally finds a frame."""

FileRange = tuple[int, int]
"""Start and end of a part of a file, in bytes."""


def parts_of(path: Path) -> list[FileRange | None]:
    """Parts to decode one after the other; None: the whole file."""
    with path.open("rb") as file:
        if file.read(4) != OGG:
            return [None]
    parts = ogg_parts(path)
    return [*parts] if len(parts) > 1 else [None]


def open_container(path: Path, part: FileRange | None = None) -> InputContainer:
    """Open a file or a part of it by PyAV; AudioError unless it has an audio stream with a decoder."""
    import av

    options = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}
    if not part and amended_header(path):
        options["ignore_length"] = "1"
    try:
        source: Any = FilePart(path, *part) if part else f"file:{path.absolute()}"
        container: InputContainer = av.open(source, "r", options=options, metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if lacks_index(path):
            raise AudioError(
                f"{path}: is an unfinished recording or download: the index at its end is missing, without which "
                "nothing can be played; finish the download, or repair the file with a program such as untrunc."
            ) from error
        raise AudioError(f"{path}: is not audio of a known format, or its beginning is damaged.") from error
    tracks = [stream for stream in container.streams.audio if stream.codec_context is not None]
    if not tracks:
        problem = f"contains audio of an unknown codec{sphere_coding(path)}; convert it by the program that made it"
        problem = problem if container.streams.audio else "contains no audio"
        container.close()
        raise AudioError(f"{path}: {problem}.")
    if len(container.streams.audio) > 1 and part is None:
        choose_track(path, container.name, tracks)
    return container


def packets_of(container: InputContainer) -> Iterator[Any]:
    """Yield packets of the audio track, up to damage that FFmpeg cannot skip."""
    with contextlib.suppress(*damage()):
        yield from container.demux(track_of(container))


def frames_of(path: Path, container: InputContainer, packets: int | None = None) -> Iterator[Any]:
    """Yield decoded frames of the audio track; bad packets are skipped and counted in a warning.

    Args:
        packets: maximum number to decode; None: all.

    Raises:
        AudioError: most of the first packets are bad, and the file is not usable.
    """
    import av

    good = bad = 0
    source = container.demux(track_of(container))
    while packets is None or good + bad < packets:
        try:
            packet = next(source, None)
            if packet is None:
                break
            yield from packet.decode()
            good += 1
        except av.error.EOFError:
            break
        except damage():
            bad += 1
        if bad > good and good + bad == FIRST_PACKETS:
            break
    if bad > good and good + bad <= FIRST_PACKETS:
        raise AudioError(f"{path}: is damaged or not audio; most of it cannot be decoded.")
    if bad and packets is None:
        logger.warning("%s: is damaged; packets of sound that cannot be decoded: %d.", path, bad)
