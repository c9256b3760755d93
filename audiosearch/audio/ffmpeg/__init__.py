"""FFmpeg through PyAV, which only this folder imports."""

from audiosearch.audio.ffmpeg.decoding import can_decode, decode, decode_span
from audiosearch.audio.ffmpeg.duration import probe
from audiosearch.audio.ffmpeg.encoding import read_comment, writable_rate, write
from audiosearch.audio.ffmpeg.file_tags import Cover, FileTags, read_cover, read_tags
from audiosearch.audio.ffmpeg.installation import DECODERS, ffmpeg_version, missing_decoders
from audiosearch.audio.ffmpeg.joined_files import parts_of

__all__ = [
    "DECODERS",
    "Cover",
    "FileTags",
    "can_decode",
    "decode",
    "decode_span",
    "ffmpeg_version",
    "missing_decoders",
    "parts_of",
    "probe",
    "read_comment",
    "read_cover",
    "read_tags",
    "writable_rate",
    "write",
]
