"""``audiosearch serve``: the page and the API."""

from __future__ import annotations

import os
from pathlib import Path

import click

from indexer.commands.options import store_option

TOKEN_VARIABLE = "AUDIOSEARCH_TOKEN"
SHORTEST_TOKEN = 16


@click.command(
    epilog="\b\nExamples:\n  audiosearch serve\n  audiosearch serve --host 0.0.0.0 --port 8080 --name talks.example.org"
)
@store_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: any that is free.")
@click.option(
    "--name", "names", metavar="NAME", multiple=True, help="Another name of this server, as behind a proxy; repeatable."
)
@click.option(
    "--media",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="A folder to which symbolic links of the library may lead; repeatable.",
)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
def serve(store: str | None, host: str, port: int, names: tuple[str, ...], media: tuple[Path, ...], show: bool) -> None:
    """Show the index as a page: search, listen, read.

    Only this machine can reach it unless --host says otherwise; then a token is asked for: that of the variable
    AUDIOSEARCH_TOKEN, or one made up and printed. The API of the page is described in /api/openapi.json.
    """
    import secrets
    import socket

    from audiosearch.errors import ConfigError
    from audiosearch.settings import load_settings
    from indexer.server.app import make_app
    from indexer.server.auth import AccessPolicy, is_loopback
    from indexer.server.index_pool import IndexPool
    from indexer.server.listener import bind, make_server

    token = os.environ.get(TOKEN_VARIABLE) or None
    if token is not None and (len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable()):
        raise ConfigError(f"{TOKEN_VARIABLE} must have at least {SHORTEST_TOKEN} characters, all of ASCII.")
    made = token is None and not is_loopback(host)
    if made:
        token = secrets.token_urlsafe(24)
    listening = bind(host, port)
    try:
        library = IndexPool(load_settings(store).store)
        address, port = listening.getsockname()[:2]
        if address in ("0.0.0.0", "::"):
            address = socket.gethostname()
            names = (*names, address)
        policy = AccessPolicy(host, names, token)
        server = make_server(make_app(library, policy, folders=[os.path.realpath(folder) for folder in media]))
        url = f"http://{f'[{address}]' if ':' in address else address}:{port}/"
        entry = f"{url}?token={token}" if made else url
        click.echo(f"Listening at {entry} until Ctrl-C.")
        if token and not made:
            click.echo(f"Its token is that of {TOKEN_VARIABLE}.", err=True)
        if show:
            click.launch(entry)
        server.run(sockets=[listening])
    finally:
        listening.close()
