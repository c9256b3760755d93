"""Corrections in indexes that other versions of the program made, read and write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from audiosearch.types import Word
from indexer.elastic import mapping
from indexer.elastic.documents import CORRECTED
from indexer.elastic.index import ElasticIndex
from indexer.elastic.writer import _Parts
from indexer.types import Recording

MakeRecording = Callable[..., Recording]
MakeWords = Callable[..., list[Word]]

pytestmark = pytest.mark.elastic


def text_of(index: ElasticIndex) -> str:
    return " ".join(word.text for word in index.words("id001"))


def test_an_index_of_a_version_that_does_not_know_corrections(
    elastic_url: str, recording: MakeRecording, spoken: MakeWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets the field with the first correction; what such a version replaces later is set aside, not lost."""
    properties: dict[str, Any] = {**mapping.MAPPINGS["properties"]}
    del properties[CORRECTED]
    with monkeypatch.context() as patched:
        patched.setitem(mapping.MAPPINGS, "properties", properties)
        with ElasticIndex(elastic_url, create=True) as index:
            index.add(recording(1), spoken("the quick brow fox"))
    with ElasticIndex(elastic_url, create=True) as index:
        index.revise("id001", lambda words: words.corrected(2, ["brow"], "brown"))
        assert text_of(index) == "the quick brown fox"
        later = replace(recording(1), added="2025-01-01")
        with monkeypatch.context() as patched:
            patched.setattr("indexer.elastic.documents.PARTS", {"terms": {"kind": ["passage", "emissions"]}})
            generation = index._document("id001")["generation"]
            assert index._writer._store(_Parts(later, spoken("the quick crow fox"), (), None), generation)
        assert text_of(index) == "the quick crow fox"
        assert index.recording("id001") == later
        assert [(each.first, each.text) for each in index.corrected_words("id001").corrections] == [(None, "brown")]
        index.add(later, spoken("the quick crow fox"))
        assert text_of(index) == "the quick brown fox"


def test_an_index_that_is_blocked_for_writing(
    elastic_url: str, recording: MakeRecording, ask: Callable[..., bytes]
) -> None:
    with ElasticIndex(elastic_url, create=True) as index:
        index.add(recording(1), [])
        assert index.is_writable()
        ask(f"{elastic_url}/_settings", method="PUT", body=b'{"index.blocks.write": true}')
        assert not index.is_writable()
        ask(f"{elastic_url}/_settings", method="PUT", body=b'{"index.blocks.write": null}')
