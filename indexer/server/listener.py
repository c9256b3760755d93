"""The server on its port, until it is told to stop."""

from __future__ import annotations

import socket

import uvicorn
from starlette.types import ASGIApp

from audiosearch.errors import ConfigError

STOP_SECONDS = 2
"""How long answers under way may take when it is told to stop; a player keeps its connection open for long."""


def bind(host: str, port: int) -> socket.socket:
    """A socket to listen on.

    Raises:
        ConfigError: the port is taken, or the address is not of this machine.
    """
    try:
        ((family, kind, protocol, _, address), *_) = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen()  # who reads the address may connect before the server accepts
        except OSError:
            listening.close()
            raise
    except (OSError, UnicodeError, OverflowError) as error:
        raise ConfigError(
            f"{host} port {port}: cannot be listened on ({getattr(error, 'strerror', None) or error}); give another "
            "--port, or as --host an address of this machine."
        ) from error
    return listening


def make_server(app: ASGIApp) -> uvicorn.Server:
    """The server of an application; ``run(sockets=[…])`` serves until SIGINT or SIGTERM."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return uvicorn.Server(config)
