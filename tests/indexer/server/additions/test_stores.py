"""Additions to both stores."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import pytest

from indexer.index import open_index
from indexer.server.additions.jobs import JobQueue
from indexer.server.index_pool import IndexPool


@pytest.fixture(params=["sqlite", pytest.param("elastic", marks=pytest.mark.elastic)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an index can be made, in each kind of store."""
    return str(request.getfixturevalue("elastic_url") if request.param == "elastic" else tmp_path / "library.db")


def test_recordings_are_found_once_their_job_is_done(
    store: str, transcriber: Any, make_sound: Any, tmp_path: Path
) -> None:
    open_index(store, create=True).close()
    make_sound(tmp_path / "new" / "one.wav", 1)
    make_sound(tmp_path / "new" / "two.wav", 2)
    with contextlib.closing(IndexPool(store)) as pool:
        assert pool.statistics().recordings == 0
        with contextlib.closing(JobQueue(store, transcriber, pool.refresh)) as queue:
            queue.add(str(tmp_path / "new"), "new", is_upload=False)
            deadline = time.monotonic() + 60
            while queue.jobs()[0].state in ("waiting", "running") and time.monotonic() < deadline:
                time.sleep(0.05)
            (job,) = queue.jobs()
            assert (job.state, job.added, job.errors) == ("done", 2, [])
            assert pool.statistics().recordings == 2
            assert {recording.id for recording in pool.recordings()} == set(job.indexed)
