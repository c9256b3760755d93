"""Logs of the server on standard error, as plain lines or JSON, with a line for each request."""

from __future__ import annotations

import logging
import re
from datetime import datetime, timezone
from urllib.parse import unquote_plus

from audiosearch.display import SHOWN, SafeFormatter, json_line, printable
from indexer.server.monitoring.exchanges import Exchange

LEVELS = ("error", "warning", "info", "debug")
"""Levels, the quietest first; from ``info`` on each request has a line, at ``debug`` with its query."""

access = logging.getLogger("indexer.server.access")

_SECRET = re.compile(r"token|key|passw|secret|auth", re.IGNORECASE)
"""Names of parameters whose values are removed."""


def redacted(query: str) -> str:
    """A query string without the values of tokens and the like, also where their names have escapes."""
    parts = []
    for part in query.split("&"):
        name, equals, _ = part.partition("=")
        parts.append(f"{name}=[removed]" if equals and _SECRET.search(unquote_plus(name)) else part)
    return "&".join(parts)


class PlainFormatter(SafeFormatter):
    """``TIME LEVEL message`` on one line, followed by the traceback of an exception."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line."""
        return f"{_time(record)} {record.levelname.lower():7} {printable(record.getMessage())}"


class JsonFormatter(logging.Formatter):
    """One JSON object per line, also for exceptions."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json_line(line)


def configure(level: str, *, as_json: bool) -> None:
    """Write the logs of this program and of uvicorn from ``level`` on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if as_json else PlainFormatter())
    for name in SHOWN:
        logger = logging.getLogger(name)
        logger.setLevel(level.upper())
        logger.handlers[:] = [handler]
        logger.propagate = False


def log_exchange(exchange: Exchange) -> None:
    """Log an exchange, without its headers; with its query at ``debug`` only, since searches are private."""
    if not access.isEnabledFor(logging.INFO):
        return
    target = exchange.path
    if exchange.query and access.isEnabledFor(logging.DEBUG):
        target += f"?{redacted(exchange.query)}"
    fields = {
        "client": exchange.client,
        "method": exchange.method,
        "path": target,
        "route": exchange.route,
        "status": exchange.status,
        "bytes": exchange.length,
        "wait_ms": round(1000 * exchange.wait, 1),
        "duration_ms": round(1000 * exchange.duration, 1),
    }
    access.info(
        "%s %s %s %d, %d bytes, %.1f ms",
        exchange.client,
        exchange.method,
        target,
        exchange.status,
        exchange.length,
        1000 * exchange.duration,
        extra={"fields": fields},
    )


def _time(record: logging.LogRecord) -> str:
    time = datetime.fromtimestamp(record.created, timezone.utc)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
