"""Options of commands that tell of alarms, and how they tell."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import click

from shelfsort.core.errors import RunFailed
from shelfsort.core.terminal import one_line
from shelfsort.decisions.monitoring.alarms import Alarm, in_words
from shelfsort.decisions.monitoring.webhook import SECRET_VARIABLE, Webhook, post

_Command = TypeVar("_Command", bound=Callable[..., Any])
_VARIABLE = "SHELFSORT_WEBHOOK"
_OPTIONS = (
    click.option(
        "--webhook",
        metavar="URL",
        envvar=_VARIABLE,
        help=f"Post alarms there as JSON, when they change. Default: ${_VARIABLE}. "
        f"${SECRET_VARIABLE} is the key of the signature.",
    ),
    click.option(
        "--webhook-inside",
        is_flag=True,
        help="The URL may lead into your own network, and need not be https.",
    ),
)


def webhook_options(command: _Command) -> _Command:
    """Options of a webhook: webhook, webhook_inside."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def webhook_of(url: str | None, inside: bool) -> Webhook | None:
    """What `webhook_options` ask for; None for none.

    Raises:
        InputError: the URL is none, or leads where it may not.
    """
    return Webhook(url, os.environ.get(SECRET_VARIABLE, ""), inside) if url else None


def telling(webhook: Webhook, content: Mapping[str, Any]) -> Callable[[Sequence[Alarm]], None]:
    """A function that posts alarms beside further content.

    It says on the console if nobody took them, and raises RunFailed then.
    """

    def tell(alarms: Sequence[Alarm]) -> None:
        said = [{**asdict(each), "text": in_words(each)} for each in alarms]
        try:
            post(webhook, {**content, "alarms": said})
        except RunFailed as error:
            click.echo(one_line(str(error)), err=True)
            raise

    return tell
