"""Transcripts as files, in the formats of ``audiosearch export``."""

from __future__ import annotations

from starlette.responses import Response

from audiosearch.transcripts.writers import FORMATS, SUFFIXES
from indexer.export.transcripts import file_names, render_document
from indexer.server.downloads.file_names import attachment, safe_name
from indexer.server.index_pool import IndexPool
from indexer.types import Recording

TYPES = dict.fromkeys(FORMATS, "text/plain") | {
    **dict.fromkeys(("json", "whisperx-json"), "application/json"),
    **{"srt": "application/x-subrip", "vtt": "text/vtt", "csv": "text/csv"},
}
"""Media types of the formats."""

NAMES = {form: form for form in FORMATS} | {"txt": "text"}
"""Formats by the value of a parameter."""


async def transcript_file(index_pool: IndexPool, recording: Recording, name: str) -> Response:
    """The whole transcript of a recording as a file.

    Args:
        name: one of NAMES.

    Raises:
        StoreError: the index cannot be read, or the recording was removed meanwhile.
    """
    form = NAMES[name]

    def render() -> bytes:
        with index_pool.index() as index:
            text = "".join(render_document(index, [recording], form))
        return text.encode(errors="surrogateescape")  # names that are not UTF-8 keep their bytes

    content = await index_pool.run(render)
    file_name = safe_name(file_names([recording])[recording.id]) + SUFFIXES[form]
    kind = TYPES[form]
    return Response(
        content,
        headers=attachment(file_name),
        media_type=f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
    )
