"""Whether a file is a recording, quickly for the many that are not.

Audio libraries try to make sound of anything, which takes milliseconds for every object file and sometimes succeeds. So
they are only asked about files that are named like audio, whatever is inside, or begin like audio, whatever their name.
"""

from __future__ import annotations

from pathlib import Path

from audiosearch.errors import AudioError

_BEGINNINGS = (
    *(b"RIFF", b"RIFX", b"RF64", b"FORM", b".snd", b"caff", b"fLaC", b"wvpk", b"TTA1", b"MAC ", b"MPCK", b"MP+"),
    *(b"OggS", b"ID3", b"ADIF", b"#!AMR", b".RMF", b"FLV", b"\x0b\x77"),  # the last is AC-3
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF
    b"\x00\x00\x01\xba",  # MPEG program stream
)
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")  # MP4 and QuickTime: at offset 4

# fmt: off
_SUFFIXES = frozenset({  # not .ts, which is mostly TypeScript
    ".3gp", ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".asf", ".au", ".avi", ".caf", ".flac", ".flv",
    ".m4a", ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpeg", ".mpg", ".mpga", ".oga", ".ogg",
    ".ogv", ".opus", ".spx", ".tta", ".w64", ".wav", ".weba", ".webm", ".wma", ".wmv", ".wv",
})
# fmt: on


def is_recording(path: Path) -> bool:
    """Whether a file holds sound. OSError where it cannot be read."""
    with path.open("rb", buffering=0) as file:
        head = file.read(512) or b""
    if not head or not (promises_sound(path) or begins_like_audio(head)):
        return False
    from audiosearch.audio.reader import is_audio

    return is_audio(path)


def promises_sound(path: Path) -> bool:
    """Whether the name is one of a recording, so that it is worth telling when there is none in it."""
    return path.suffix.lower() in _SUFFIXES


def trouble(path: Path) -> str:
    """A sentence on why a file is no recording."""
    from audiosearch.audio.reader import probe

    try:
        probe(path)
    except AudioError as error:
        return str(error)
    return f"{path}: holds no sound that can be decoded."


def begins_like_audio(head: bytes) -> bool:
    """Whether the first 512 bytes are those of a file that can hold sound."""
    if head.startswith(_BEGINNINGS) or head[4:8] in _BOXES or (head[:1] == head[188:189] == head[376:377] == b"\x47"):
        return True
    # MPEG audio and ADTS: eleven bits set; of the byte after them, MPEG audio knows no bit rate 15 and no frequency 3
    sync = len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0
    return sync and (head[1] & 0xF6 == 0xF0 or (head[2] >> 4 != 0xF and head[2] >> 2 & 3 != 3))
