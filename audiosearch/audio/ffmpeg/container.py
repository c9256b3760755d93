"""Files and parts of files opened by FFmpeg, their packets and decoded frames."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiosearch.audio.ffmpeg.frames import damage
from audiosearch.audio.ffmpeg.joined_files import FileRange
from audiosearch.audio.ffmpeg.tracks import choose_track, track_of
from audiosearch.audio.file_parts import FilePart
from audiosearch.audio.formats import DEMUXERS, sphere_coding
from audiosearch.audio.sample_headers import SampleHeader, read_header
from audiosearch.errors import AudioError

if TYPE_CHECKING:
    from av.container import InputContainer

logger = logging.getLogger(__name__)

FIRST_PACKETS = 20
"""Packets that decide whether a file is audio; in random bytes an mp3 decoder occasionally finds a frame."""


def header_of(path: Path, part: FileRange | None = None) -> SampleHeader:
    """The header of a file or of a part of it, which may state a wrong length."""
    with path.open("rb") as file:
        return read_header(file, *(part or (0, file.seek(0, 2))))


def open_container(
    path: Path,
    part: FileRange | None = None,
    header: SampleHeader | None = None,
    track: int | None = None,
    metadata_errors: str = "replace",
) -> InputContainer:
    """Open a file or a part of it by PyAV; AudioError unless it has an audio stream with a decoder.

    Args:
        header: ``header_of`` the part.
        track: number of the audio track to read, from 1 on; None: the default.
        metadata_errors: handling of bytes in tags that are not UTF-8.
    """
    import av

    options = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}
    try:
        source: Any = f"file:{path.absolute()}"
        start, stop = part or (0, path.stat().st_size)
        header = header or header_of(path, part)
        if part or header.is_amended:
            source = FilePart(path, start, stop, header)
        container: InputContainer = av.open(source, "r", options=options, metadata_errors=metadata_errors)
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
    try:
        if part is None or track is not None:
            choose_track(path, container, tracks, track)
    except AudioError:
        container.close()
        raise
    return container


def packets_of(container: InputContainer) -> Iterator[Any]:
    """Yield packets of the audio track, up to damage that FFmpeg cannot skip."""
    tags = _Tags()
    with contextlib.suppress(*damage()):
        for packet in container.demux(track_of(container)):
            if not tags.include(packet):
                yield packet


def frames_of(path: Path, container: InputContainer, packets: int | None = None) -> Iterator[Any]:
    """Yield decoded frames of the audio track; bad packets are skipped and counted in a warning, unless they are tags.

    Args:
        packets: maximum number to decode; None: all.

    Raises:
        AudioError: most of the first packets are bad, and the file is not usable.
    """
    import av

    good = bad = 0
    packet, tags = None, _Tags()
    source = container.demux(track_of(container))
    while packets is None or good + bad < packets:
        try:
            packet = next(source, None)
            if packet is None:
                break
            if tags.include(packet):
                continue
            yield from packet.decode()
            good += 1
        except av.error.EOFError:
            break
        except damage():
            bad += not tags.touch(packet)
        if bad > good and good + bad == FIRST_PACKETS:
            break
    if bad > good and good + bad <= FIRST_PACKETS:
        raise AudioError(f"{path}: is damaged or not audio; most of it cannot be decoded.")
    if bad and packets is None:
        logger.warning("%s: is damaged; packets of sound that cannot be decoded: %d.", path, bad)


class _Tags:
    """Tags between joined files, which FFmpeg gives as packets."""

    def __init__(self) -> None:
        self._end = 0  # of the last tag, in the file

    def include(self, packet: Any) -> bool:
        """True if a packet is nothing but a tag or a part of one."""
        if not packet.size or packet.pos is None:
            return False
        head = bytes(memoryview(packet)[:16])
        if head.startswith(b"ID3") and len(head) >= 10:
            length = 10 + sum((byte & 127) << 7 * (3 - place) for place, byte in enumerate(head[6:10]))
        elif head.startswith(b"APETAGEX"):
            length = 32 + int.from_bytes(head[12:16], "little")
        else:
            length = 128 if head.startswith(b"TAG") else 0
        if length:
            self._end = max(self._end, packet.pos + length)
        return bool(packet.pos + packet.size <= self._end)

    def touch(self, packet: Any) -> bool:
        """True if a packet begins in a tag."""
        return packet is not None and packet.pos is not None and packet.pos < self._end


_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
"""Boxes with which MP4 and QuickTime begin, at offset 4."""


def lacks_index(path: Path) -> bool:
    """True for an MP4 or QuickTime file without a moov box, which is written last."""
    with path.open("rb") as file:
        size, at, is_first = file.seek(0, 2), 0, True
        while at < size:
            file.seek(at)
            box = file.read(16)
            if box[4:8] == b"moov" or (is_first and box[4:8] not in _BOXES):
                return False
            length = int.from_bytes(box[:4], "big")
            length = int.from_bytes(box[8:16], "big") if length == 1 else length
            at, is_first = (at + length if length >= 8 else size), False
    return True
