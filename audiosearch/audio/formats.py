"""The formats of files with sound: suffixes, first bytes, and FFmpeg's demuxers. Standard library only.

One table decides for every command: reading opens a file by these demuxers alone, and a walk through folders offers the
files with these suffixes or first bytes to the reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 1024
"""Bytes from the start of a file that all functions here accept; fewer if the file is shorter."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format of files.

    Args:
        name: as its users call it.
        suffixes: of its files, which are reported if they have no sound.
        demuxers: FFmpeg's names.
        start: pattern of its first bytes; "": it has none.
        shared: suffixes that other files have, too; those are passed over in silence.
        is_plain: libsndfile reads it, exact to the sample.
    """

    name: str
    suffixes: str
    demuxers: str
    start: bytes = b""
    shared: str = ""
    is_plain: bool = False


_FRAMES = bytes(third for third in range(256) if third >> 4 != 15 and third >> 2 & 3 != 3)
"""Third bytes of frames of MPEG audio: no bit rate has number 15, no sample rate number 3."""

_MPEG_AUDIO = rb"ID3|\xff[\xe0-\xff][" + re.escape(_FRAMES) + rb"]"
_PACKETS = rb"|".join(
    rb".{0,%d}?(?:\x47.{%d}){3}\x47" % (size - 1, size - 1)  # from any byte of a packet on
    for size in (188, 192, 204)
)

# fmt: off
FORMATS = (
    Format("WAV, RF64, BW64", ".wav .wave .bwf .rf64", "wav", rb"(?:RIFF|RIFX|RF64|BW64).{4}WAVE", is_plain=True),
    Format("Wave64", ".w64", "w64", rb"riff\x2e\x91\xcf\x11", is_plain=True),
    Format("AIFF, AIFC", ".aif .aifc .aiff", "aiff", rb"FORM.{4}AIF[FC]", is_plain=True),
    Format("IFF, DSDIFF", ".8svx .dff", "iff", rb"FORM.{4}(?:8SVX|16SV|MAUD)|FRM8.{8}DSD ", ".iff .svx", is_plain=True),
    Format("AU", ".au", "au", rb"\.snd\0", ".snd", is_plain=True),
    Format("CAF", ".caf", "caf", rb"caff\0", is_plain=True),
    Format("SPHERE", ".sph .nist", "nistsphere,shn", rb"NIST_1A|ajkg", ".shn .wv1 .wv2", is_plain=True),
    Format("VOC", ".voc", "voc", rb"Creative Voice File"),
    Format("IRCAM", ".ircam", "ircam", rb"\x64\xa3[\x01-\x04]\0|\0[\x01-\x04]\xa3\x64", ".sf"),
    Format("SoX", ".sox", "sox", rb"\.SoX|XoS\."),
    Format("FLAC", ".flac", "flac", rb"fLaC[\0\x80]", is_plain=True),
    Format("MP3, MP2, MP1", ".mp3 .mp2 .mp1 .mpa .mpga .m2a", "mp3", rb"\0{0,512}?(?:" + _MPEG_AUDIO + rb")"),
    Format("AAC", ".aac .adts .loas .latm", "aac,loas", rb"\xff[\xf0\xf1\xf8\xf9]|ADIF|\x56[\xe0-\xff]"),
    Format("MP4, QuickTime, 3GP", ".mp4 .m4a .m4b .m4r .m4v .mov .qt .3gp .3g2 .f4v .f4a .ismv .isma", "mov",
           rb".{4}(?:ftyp|moov|mdat|wide|free|skip|pnot|styp|sidx)"),
    Format("Matroska, WebM", ".mkv .mka .webm .weba .mk3d", "matroska,webm", rb"\x1a\x45\xdf\xa3"),
    Format("Ogg: Opus, Vorbis, Speex", ".ogg .oga .ogv .ogx .opus .spx", "ogg", rb"OggS"),
    Format("MPEG transport stream, AVCHD", ".m2ts .mts .m2t .trp", "mpegts", _PACKETS, ".ts .tp .tts .rec"),
    Format("MPEG program stream, DVD", ".mpg .mpeg .vob .m2p", "mpeg", rb"\0\0\x01\xba|RIFF.{4}CDXA", ".mod .tod .evo"),
    Format("Windows Media", ".wma .wmv .asf .dvr-ms", "asf,xwma", rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11|RIFF.{4}XWMA"),
    Format("Windows television", ".wtv", "wtv", rb"\xb7\xd8\x00\x20"),
    Format("AVI", ".avi .divx", "avi", rb"RIFF.{4}(?:AVI |AVIX)"),
    Format("Flash video", ".flv .kux", "flv,kux", rb"FLV\x01|KDK\0"),
    Format("RealMedia", ".rm .rmvb .ra", "rm", rb"\.RMF|\.ra\xfd"),
    Format("MXF", ".mxf", "mxf", rb"\x06\x0e\x2b\x34"),
    Format("GXF, LXF", ".gxf .lxf", "gxf,lxf", rb"\0\0\0\0\x01\xbc|LEITCH\0"),
    Format("DV", ".dv", "dv", rb"\x1f\x07\0[\x3f\xbf]", ".dif"),
    Format("NUT", ".nut", "nut", rb"nut/multimedia container"),
    Format("AC-3, E-AC-3", ".ac3 .eac3 .ec3", "ac3,eac3", rb"\x0b\x77|\x77\x0b"),
    Format("DTS", ".dts .dtshd", "dts,dtshd",
           rb"\x7f\xfe\x80\x01|\xfe\x7f\x01\x80|\x1f\xff\xe8\x00|\xff\x1f\x00\xe8|DTSHDHDR"),
    Format("TrueHD, MLP", ".thd .mlp", "truehd,mlp", rb".{4}\xf8\x72\x6f[\xba\xbb]"),
    Format("AMR", ".amr .awb .3ga", "amr", rb"#!AMR"),
    Format("GSM, G.722, G.723.1, G.729, raw", ".gsm .g722 .g723_1 .g729", "gsm,g722,g723_1,g729,sln", b"", ".sln"),
    Format("QCP", ".qcp", "qcp", rb"RIFF.{4}QLCM"),
    Format("Dictation: DSS", ".dss", "dss", rb"[\x02\x03]dss"),
    Format("Surveillance: DAV", ".dav", "dhav", rb"DHAV|DAHUA"),
    Format("Audible", ".aa", "aa", rb".{4}\x57\x90\x75\x36"),
    Format("Monkey's Audio", ".ape", "ape", rb"MAC "),
    Format("Musepack", ".mpc", "mpc,mpc8", rb"MPCK|MP\+"),
    Format("WavPack", ".wv", "wv", rb"wvpk"),
    Format("True Audio, TAK", ".tta .tak", "tta,tak", rb"TTA1|tBaK"),
    Format("DSD", ".dsf .wsd", "dsf,wsd", rb"DSD |1bit"),
    Format("MiniDisc, ATRAC", ".oma .aa3 .aea .omg .at3", "oma,aea", rb"ea3\x03|EA3\x01"),
    Format("Portable Voice, AVR, Psion", ".pvf .avr", "pvf,avr,wve", rb"PVF1\n|2BIT|ALawSoundFile\*\*", ".wve"),
)
# fmt: on
"""FFmpeg knows playlists and pictures, too; by a playlist it would open other files."""

DEMUXERS = ",".join(form.demuxers for form in FORMATS)
"""Names of FFmpeg's demuxers that are allowed to open a file."""

_SUFFIXES = frozenset(" ".join(form.suffixes for form in FORMATS).split())
_SHARED = frozenset(" ".join(form.shared for form in FORMATS).split())


def _starts(forms: tuple[Format, ...]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(b"(?:%s)" % form.start for form in forms if form.start), re.DOTALL)


_ANY_START = _starts(FORMATS)
_PLAIN_START = _starts(tuple(form for form in FORMATS if form.is_plain))

_NOT_AUDIO = re.compile(
    rb"%PDF|PK\x03\x04|\x89PNG|\xff\xd8\xff|GIF8|\x7fELF|SQLite format"
    rb"|\x1f\x8b|7z\xbc\xaf|BZh|\xfd7zXZ"  # compressed archives
    rb"|.{4}ftyp(?:heic|heix|mif1|msf1|avif|avis)|RIFF.{4}WEBP"  # pictures
    rb"|\xff\xfe.\0.\0",  # text in UTF-16
    re.DOTALL,
)

_WAVE_ENCODINGS = (1, 3, 6, 7, 0xFFFE)
"""Integer, floating point, A-law, µ-law; and the extensible format, which names one of them."""
_MP3_SYNC = (b"\xfb", b"\xfa", b"\xf3", b"\xf2", b"\xe3", b"\xe2")
"""Second bytes of a frame of MPEG audio layer III."""


def may_be_audio(path: Path, head: bytes) -> bool:
    """True if the name or the first bytes of a file are those of a format with sound."""
    return not is_not_audio(head) and (path.suffix.lower() in _SUFFIXES | _SHARED or _ANY_START.match(head) is not None)


def has_audio_suffix(path: Path) -> bool:
    """True if no other files have the suffix of a path, which is reported if it has no sound."""
    return path.suffix.lower() in _SUFFIXES


def is_uncompressed(head: bytes) -> bool:
    """True for a file of uncompressed samples or FLAC, which libsndfile reads."""
    return _PLAIN_START.match(head) is not None and not _holds_mpeg(head)


def _holds_mpeg(head: bytes) -> bool:
    """True for MPEG audio in WAV, on whose damage libsndfile's decoder writes to the terminal."""
    form = head.find(b"fmt ", 12) + 8
    tag = head[form : form + 2]
    if tag == b"\xfe\xff":  # an extensible format: that of its samples
        tag = head[form + 24 : form + 26]
    return form >= 12 and tag in (b"\x50\x00", b"\x55\x00")


def is_not_audio(head: bytes) -> bool:
    """True for text and for common files without sound, which a decoder need not try."""
    if _PLAIN_START.match(head):  # the header of SPHERE is text
        return False
    return _NOT_AUDIO.match(head) is not None or _is_text(head)


def media_type(head: bytes) -> str | None:
    """Media type of a container that browsers play; None for any other file."""
    if head[:4] == b"RIFF" and head[8:16] == b"WAVEfmt ":
        return "audio/wav" if int.from_bytes(head[20:22], "little") in _WAVE_ENCODINGS else None
    if head.startswith(b"fLaC"):
        return "audio/flac"
    if head.startswith(b"OggS"):
        return "audio/ogg"
    if head[4:8] == b"ftyp":
        return "audio/mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3"):  # Matroska
        return "audio/webm" if b"webm" in head[:64] else None
    if head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] in _MP3_SYNC):
        return "audio/mpeg"
    if head[:2] in (b"\xff\xf1", b"\xff\xf9"):
        return "audio/aac"
    return None


def sphere_coding(path: Path) -> str:
    """The compression that a header of SPHERE names, in parentheses; "" for other files."""
    with path.open("rb") as file:
        coding = re.match(rb"NIST_1A.*?\nsample_coding -s\d+ ([\w.,-]+)", file.read(HEAD_BYTES), re.DOTALL)
    return f" ({coding[1].decode(errors='replace')})" if coding else ""


def _is_text(head: bytes) -> bool:
    try:
        text = head[:-4].decode() if len(head) > 4 else head.decode()  # the last character may be incomplete
    except UnicodeDecodeError as error:
        if error.start < len(head) - 8:
            return False
        text = head[: error.start].decode()
    return all(character >= " " or character in "\t\n\r\f\x1b" for character in text)
