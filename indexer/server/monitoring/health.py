"""Health of the server, for supervisors and load balancers."""

from __future__ import annotations

import logging
import time

import anyio
import anyio.to_thread

from audiosearch.errors import AudioSearchError
from audiosearch.types import Seconds
from indexer.server.index_pool import IndexPool

logger = logging.getLogger(__name__)

MAX_WAIT: Seconds = 5.0
"""Time in which the index has to answer."""

FRESH: Seconds = 1.0
"""Time for which an answer holds; anyone may ask."""

_ABSENT = "0" * 32


class Readiness:
    """Checks of the index."""

    def __init__(self, index_pool: IndexPool) -> None:
        """Check the index of ``index_pool``."""
        self._index_pool = index_pool
        self._limiter: anyio.CapacityLimiter | None = None
        self._until = 0.0
        self._problem: str | None = None

    async def problem(self) -> str | None:
        """One sentence without names of files or hosts if the index does not answer; None if it does."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(1)  # not that of searches, which may be slow
        with anyio.move_on_after(MAX_WAIT):
            return await anyio.to_thread.run_sync(self._look_up, limiter=self._limiter, abandon_on_cancel=True)
        return f"the index has not answered within {MAX_WAIT:g} seconds"

    def _look_up(self) -> str | None:
        if time.monotonic() > self._until:
            self._problem = None
            try:
                self._index_pool.recording(_ABSENT)
            except AudioSearchError as error:
                logger.warning("%s", error)
                self._problem = "the index cannot be read; see the log of the server"
            self._until = time.monotonic() + FRESH
        return self._problem
