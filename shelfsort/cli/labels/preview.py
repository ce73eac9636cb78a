"""`shelfsort labels preview`: the page of a task as a worker would see it."""

import itertools
import webbrowser

import click

from shelfsort.cli.numbers import PORT
from shelfsort.core.errors import InputError
from shelfsort.core.files import refuse_inputs
from shelfsort.core.signals import EndingSignals
from shelfsort.core.storage import absolute, read_input
from shelfsort.core.terminal import one_line
from shelfsort.labeling.answer_files import json_record
from shelfsort.labeling.pages.worker_template import refuse_long_template
from shelfsort.labeling.preview.answers import AnswerFile
from shelfsort.products.manifest.lines import file_lines


@click.command(short_help="Show a template in a browser, with the products of a manifest.")
@click.argument("template", metavar="TEMPLATE")
@click.option("--data", required=True, metavar="MANIFEST", help="Input manifest of the job.")
@click.option("--first", type=click.IntRange(1), default=100, show_default=True, help="Lines.")
@click.option(
    "--answers",
    default="preview-answers.jsonl",
    show_default=True,
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="File that answers are appended to.",
)
@click.option("--port", type=PORT, default=0, help="Port. Default: a free one.")
@click.option("--open/--no-open", "open_", default=True, help="Open a browser.")
def preview(template: str, data: str, first: int, answers: str, port: int, open_: bool) -> None:
    """Show the page of a Ground Truth task as a worker would see it, on this machine.

    Liquid is rendered with AWS's filters, and simple stand-ins take the place of its crowd
    elements. An answer is shown and appended to --answers as `shelfsort labels import` reads it.
    Stop with Ctrl+C.

    \b
    Examples:
      shelfsort labels preview template.html --data input.manifest
      shelfsort labels import preview-answers.jsonl --products input.manifest --output out.manifest
    """
    try:
        from shelfsort.labeling.preview.application import Preview, unknown_elements
    except ModuleNotFoundError as missing:
        raise InputError(
            f"needs the package {missing.name!r}. Run: pip install 'shelfsort[labels]'"
        ) from missing
    from shelfsort.core.web.server import page_server
    from shelfsort.core.web.token import access_token

    refuse_inputs(answers, template, data, option="--answers")
    text = read_input(template, "template").decode("utf-8", "replace")
    refuse_long_template(template, text)
    lines = [json_record(line).fields for line in itertools.islice(file_lines(data), first)]
    shown = Preview(template, text, absolute(data), lines, AnswerFile(answers))
    shown.render(0)
    for name in unknown_elements(text):
        click.echo(f"{one_line(name)}: no stand-in; the preview leaves it empty", err=True)
    signals = EndingSignals()
    token = access_token()
    with page_server(shown.application(token), "127.0.0.1", port) as server:
        address = f"{server.url}/task/0?token={token}"
        click.echo(f"{len(lines):,} tasks: {address}")
        if open_:
            webbrowser.open(address)
        signals.wait()
    click.echo(f"Answers: {one_line(answers)}")
