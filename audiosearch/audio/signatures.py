"""File signatures: first bytes that distinguish audio, video and other formats. Standard library only."""

from __future__ import annotations

from pathlib import Path

HEAD_BYTES = 1024
"""Bytes from the start of a file that all functions here accept; fewer if the file is shorter."""

FLAC = b"fLaC"
OGG = b"OggS"
ID3 = b"ID3"
MATROSKA = b"\x1a\x45\xdf\xa3"  # WebM too
WAVE = (b"RIFF", b"RIFX", b"RF64")  # with WAVE at offset 8
IFF = b"FORM"  # with AIFF, AIFC, 8SVX or 16SV at offset 8

AUDIO = (
    *WAVE,
    *(IFF, b".snd", b"caff", FLAC, b"wvpk", b"TTA1", b"MAC ", b"MPCK", b"MP+"),
    *(OGG, ID3, b"ADIF", b"#!AMR", b".RMF", b"FLV", b"\x0b\x77"),  # the last: AC-3
    MATROSKA,
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x06\x0e\x2b\x34",  # MXF
    *(b"NIST_1A", b"Creative Voice File", b"nut/multimedia container", b"riff\x2e\x91\xcf\x11", b"DTSHDHDR"),
    *(b"\x7f\xfe\x80\x01", b"\xfe\x7f\x01\x80", b"\x1f\xff\xe8\x00", b"\xff\x1f\x00\xe8"),  # DTS
    *(b"tBaK", b"DSD ", b"ea3\x03", b"EA3\x01", b"SoX", b".SoX", b"XoS.", b"\x64\xa3", b"\xb7\xd8\x00\x20"),
)
BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")  # MP4 and QuickTime, at offset 4
NOT_AUDIO = (
    *(b"%PDF", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x7fELF", b"SQLite format"),
    *(b"\x1f\x8b", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ"),  # compressed archives
)

_WAVE_ENCODINGS = (1, 3, 6, 7, 0xFFFE)
"""Integer, floating point, A-law, µ-law; and the extensible format, which names one of them."""
_MP3_SYNC = (b"\xfb", b"\xfa", b"\xf3", b"\xf2", b"\xe3", b"\xe2")
"""Second bytes of a frame of MPEG audio layer III."""


def has_audio_signature(head: bytes) -> bool:
    """True if ``head``, at least 512 bytes of a longer file, is the start of an audio or video file."""
    if head.startswith(AUDIO) or head[4:8] in BOXES or _is_transport_stream(head):
        return True
    # MPEG audio and ADTS begin with eleven set bits; MPEG audio has no bit rate 15 and no frequency 3
    sync = len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0
    return sync and (head[1] & 0xF6 == 0xF0 or (head[2] >> 4 != 0xF and head[2] >> 2 & 3 != 3))


def _is_transport_stream(head: bytes) -> bool:
    """True for MPEG-TS and M2TS, also if the file begins inside a packet."""
    return any(
        head[start] == head[start + size] == head[start + 2 * size] == head[start + 3 * size] == 0x47
        for size in (188, 192, 204)
        for start in range(min(size, len(head) - 3 * size))
    )


def is_uncompressed(head: bytes) -> bool:
    """True for a file of uncompressed samples or FLAC, which libsndfile reads."""
    if head[:4] in WAVE:
        return head[8:12] == b"WAVE" and not _holds_mpeg(head)
    if head[:4] == IFF:
        return head[8:12] in (b"AIFF", b"AIFC", b"8SVX", b"16SV")
    return head.startswith((FLAC, b".snd", b"caff", b"riff\x2e\x91\xcf\x11", b"NIST_1A", b"Creative Voice File"))


def _holds_mpeg(head: bytes) -> bool:
    """True for MPEG audio in WAV, on whose damage libsndfile's decoder writes to the terminal."""
    form = head.find(b"fmt ", 12) + 8
    tag = head[form : form + 2]
    if tag == b"\xfe\xff":  # an extensible format: that of its samples
        tag = head[form + 24 : form + 26]
    return form >= 12 and tag in (b"\x50\x00", b"\x55\x00")


def is_not_audio(head: bytes) -> bool:
    """True for text and for common files without sound, which a decoder need not try."""
    return head.startswith(NOT_AUDIO) or _is_text(head)


def media_type(head: bytes) -> str | None:
    """Media type of a container that browsers play; None for any other file."""
    if head[:4] == b"RIFF" and head[8:16] == b"WAVEfmt ":
        return "audio/wav" if int.from_bytes(head[20:22], "little") in _WAVE_ENCODINGS else None
    if head.startswith(FLAC):
        return "audio/flac"
    if head.startswith(OGG):
        return "audio/ogg"
    if head[4:8] == b"ftyp":
        return "audio/mp4"
    if head.startswith(MATROSKA):
        return "audio/webm" if b"webm" in head[:64] else None
    if head.startswith(ID3) or (head[:1] == b"\xff" and head[1:2] in _MP3_SYNC):
        return "audio/mpeg"
    if head[:2] in (b"\xff\xf1", b"\xff\xf9"):
        return "audio/aac"
    return None


def lacks_index(path: Path) -> bool:
    """True for an MP4 or QuickTime file without a moov box, which is written last."""
    with path.open("rb") as file:
        size, at, is_first = file.seek(0, 2), 0, True
        while at < size:
            file.seek(at)
            box = file.read(16)
            if box[4:8] == b"moov" or (is_first and box[4:8] not in BOXES):
                return False
            length = int.from_bytes(box[:4], "big")
            length = int.from_bytes(box[8:16], "big") if length == 1 else length
            at, is_first = (at + length if length >= 8 else size), False
    return True


def mp3_header_fits(path: Path) -> bool:
    """False if the header of an mp3 file (Xing, Info) states fewer bytes than there are: another file is joined."""
    with path.open("rb") as file:
        start = 0
        while (tag := file.read(10))[:3] == ID3 and len(tag) == 10:
            start += 10 + sum((tag[6 + place] & 127) << 7 * (3 - place) for place in range(4))
            file.seek(start)
        file.seek(start)
        frame = file.read(1024)
        size = file.seek(0, 2)
    at = max(frame[:256].find(b"Xing"), frame[:256].find(b"Info"))
    if at < 0 or len(frame) < at + 16 or frame[at + 7] & 3 != 3:
        return True
    stated = int.from_bytes(frame[at + 12 : at + 16], "big")
    return not stated or size - start - stated < MIN_JOINED_BYTES


MIN_JOINED_BYTES = 4096
"""Less after the end of an mp3 file are tags."""


def _is_text(head: bytes) -> bool:
    try:
        text = head[:-4].decode() if len(head) > 4 else head.decode()  # the last character may be incomplete
    except UnicodeDecodeError as error:
        if error.start < len(head) - 8:
            return False
        text = head[: error.start].decode()
    return all(character >= " " or character in "\t\n\r\f\x1b" for character in text)
