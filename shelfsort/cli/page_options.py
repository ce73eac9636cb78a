"""Options of the commands that serve a page on which people work."""

from collections.abc import Callable
from typing import Any

import click

from shelfsort.cli.numbers import PORT


def exposure_options(port: int, image_folders: str) -> Callable[[Any], Any]:
    """The options --host, --port, --public, --plaintext, --allow-http and --image-root.

    Args:
        port: default of --port.
        image_folders: where images may lie without --image-root, for its help.
    """
    options = (
        click.option(
            "--host", default="127.0.0.1", show_default=True, help="Address to listen on."
        ),
        click.option(
            "--port", type=PORT, default=port, show_default=True, help="Port; 0 chooses a free one."
        ),
        click.option(
            "--public",
            metavar="URL",
            help="Address at which people reach the page from elsewhere. Confirms that products "
            "and images may be shown to them.",
        ),
        click.option("--plaintext", is_flag=True, help="Permit a --public address without https."),
        click.option("--allow-http", is_flag=True, help="Fetch images from the web."),
        click.option(
            "--image-root",
            "image_roots",
            multiple=True,
            help=f"Folder that images may lie in, besides {image_folders}. Repeatable.",
        ),
    )

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
