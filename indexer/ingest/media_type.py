"""Detection of recordings, fast for the many files that are none.

Audio libraries try to decode anything, which takes milliseconds per file and sometimes succeeds. They are tried only on
files with the suffix or the signature of audio.
"""

from __future__ import annotations

from pathlib import Path

from audiosearch.errors import AudioError

_SIGNATURES = (
    *(b"RIFF", b"RIFX", b"RF64", b"FORM", b".snd", b"caff", b"fLaC", b"wvpk", b"TTA1", b"MAC ", b"MPCK", b"MP+"),
    *(b"OggS", b"ID3", b"ADIF", b"#!AMR", b".RMF", b"FLV", b"\x0b\x77"),  # the last: AC-3
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
    """True if a file holds sound. OSError if it cannot be read."""
    with path.open("rb", buffering=0) as file:
        head = file.read(512) or b""
    if not head or not (has_audio_suffix(path) or has_audio_signature(head)):
        return False
    from audiosearch.audio.reader import is_audio

    return is_audio(path)


def has_audio_suffix(path: Path) -> bool:
    """True if the name is that of a recording, whose lack of sound is then worth reporting."""
    return path.suffix.lower() in _SUFFIXES


def explain_failure(path: Path) -> str:
    """The reason why a file is not a recording."""
    from audiosearch.audio.reader import probe

    try:
        probe(path)
    except AudioError as error:
        return str(error)
    return f"{path}: holds no decodable sound."


def has_audio_signature(head: bytes) -> bool:
    """True if the first 512 bytes are those of an audio or video file."""
    if head.startswith(_SIGNATURES) or head[4:8] in _BOXES or (head[:1] == head[188:189] == head[376:377] == b"\x47"):
        return True
    # MPEG audio and ADTS begin with eleven set bits; MPEG audio has no bit rate 15 and no frequency 3
    sync = len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0
    return sync and (head[1] & 0xF6 == 0xF0 or (head[2] >> 4 != 0xF and head[2] >> 2 & 3 != 3))
