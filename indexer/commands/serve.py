"""``audiosearch serve``: the web page and its API."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer.commands.options import store_option

if TYPE_CHECKING:
    from audiosearch.settings import Settings
    from indexer.server.app import Changes

TOKEN_VARIABLE = "AUDIOSEARCH_TOKEN"
MIN_TOKEN_LENGTH = 16


@click.command(
    epilog="\b\nExamples:\n  audiosearch serve\n  audiosearch serve --host 0.0.0.0 --port 8080 --name talks.example.org"
)
@store_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="Port to listen on; 0: any free one."
)
@click.option(
    "--name",
    "names",
    metavar="NAME",
    multiple=True,
    help="Additional host name of this server, such as that of a proxy; repeatable.",
)
@click.option(
    "--media",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="Folder that symbolic links of the library may lead to; repeatable.",
)
@click.option(
    "--allow-changes",
    is_flag=True,
    help="Let the page add recordings and remove them; a token is then required on every address.",
)
@click.option(
    "--uploads",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --allow-changes: folder for uploaded files. Default: uploads in your data folder.",
)
@click.option(
    "--add-from",
    "roots",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="With --allow-changes: folder of this machine whose contents may be added; repeatable. Default: the folders "
    "of the library.",
)
@click.option(
    "--max-upload",
    metavar="MB",
    type=click.IntRange(1),
    default=4000,
    show_default=True,
    help="With --allow-changes: maximum size of an uploaded file.",
)
@click.option("--metrics-open", "open_metrics", is_flag=True, help="Serve /metrics without the token.")
@click.option(
    "--log-level",
    type=click.Choice(["error", "warning", "info", "debug"]),
    default="warning",
    show_default=True,
    help="Logs on standard error; from info on each request has a line, at debug with its query.",
)
@click.option("--log-json", is_flag=True, help="Write logs as JSON, one object per line.")
@click.option("--read-only", is_flag=True, help="Refuse corrections of words.")
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
def serve(
    store: str | None,
    host: str,
    port: int,
    names: tuple[str, ...],
    media: tuple[Path, ...],
    allow_changes: bool,
    uploads: Path | None,
    roots: tuple[Path, ...],
    max_upload: int,
    open_metrics: bool,
    log_level: str,
    log_json: bool,
    read_only: bool,
    show: bool,
) -> None:
    """Serve a web page to search, play and read the recordings.

    By default only this machine can reach it, and it changes nothing. With another --host or with --allow-changes a
    token is required: that of the variable AUDIOSEARCH_TOKEN, or else a new one, which is printed, for other machines
    also as a QR code. The API is described by /api/openapi.json.
    """
    import secrets
    import socket

    from audiosearch.errors import ConfigError
    from audiosearch.settings import load_settings
    from indexer.console.qr_code import qr_code
    from indexer.server.addresses import lan_addresses, url_host
    from indexer.server.app import bind, make_app, make_server
    from indexer.server.auth import AccessPolicy, is_loopback
    from indexer.server.index_pool import IndexPool
    from indexer.server.monitoring.logs import configure

    token = os.environ.get(TOKEN_VARIABLE) or None
    if token is not None and (len(token) < MIN_TOKEN_LENGTH or not token.isascii() or not token.isprintable()):
        raise ConfigError(f"{TOKEN_VARIABLE} must have at least {MIN_TOKEN_LENGTH} printable ASCII characters.")
    if log_json or log_level != "warning":
        configure(log_level, as_json=log_json)
    if not allow_changes and (uploads or roots):
        raise click.UsageError("--uploads and --add-from go with --allow-changes.")
    is_new = token is None and (allow_changes or not is_loopback(host))
    if is_new:
        token = secrets.token_urlsafe(24)
    with ExitStack() as stack:
        listening = stack.enter_context(bind(host, port))
        settings = load_settings(store)
        changes = _changes(settings, uploads, roots, max_upload, stack) if allow_changes else None
        index_pool = IndexPool(settings.store)
        address, port = listening.getsockname()[:2]
        addresses = [address]
        if address in ("0.0.0.0", "::"):
            name = socket.gethostname()
            names = (*names, name, f"{name}.local")
            addresses = lan_addresses(with_ipv6=address == "::") or [name]
        policy = AccessPolicy(host, names, token, open_metrics)
        server = make_server(
            make_app(
                index_pool,
                policy,
                folders=[os.path.realpath(folder) for folder in media],
                changes=changes,
                read_only=read_only,
            )
        )
        entry, *others = (f"http://{url_host(each)}:{port}/{f'?token={token}' if is_new else ''}" for each in addresses)
        click.echo(f"Listening at {entry} until Ctrl-C.")
        for url in others:
            click.echo(f"Also at      {url}")
        if not is_loopback(address) and (code := qr_code(entry)):
            click.echo(code)
        if token and not is_new:
            click.echo(f"Its token is that of {TOKEN_VARIABLE}.", err=True)
        if show:
            click.launch(entry)
        server.run(sockets=[listening])


def _changes(
    settings: Settings, uploads: Path | None, roots: Sequence[Path], max_upload: int, stack: ExitStack
) -> Changes:
    """What --allow-changes allows; the index is made if it is absent, and all is checked before the server starts."""
    from audiosearch.model_folder import find_model
    from audiosearch.settings import default_store
    from audiosearch.types import SoundSelection
    from indexer.commands.index import check_writable
    from indexer.console.lazy_recognizer import LazyRecognizer
    from indexer.index import open_index
    from indexer.server.additions.uploads import Uploads
    from indexer.server.app import Changes

    model = find_model(None, settings)
    folder = Uploads(uploads or default_store().with_name("uploads"), max_upload * 1_000_000)
    open_index(settings.store, create=True).close()
    check_writable(settings.store)
    recognizer = stack.enter_context(LazyRecognizer(model, selection=SoundSelection(settings.channels, None)))
    return Changes(recognizer, folder, [os.path.realpath(root) for root in roots])
