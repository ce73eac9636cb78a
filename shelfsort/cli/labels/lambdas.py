"""`shelfsort labels lambdas`: the archive of the two Lambda functions."""

import click

from shelfsort.core.files import write_bytes
from shelfsort.core.storage import absolute
from shelfsort.core.terminal import one_line
from shelfsort.labeling.lambdas.archive import HANDLERS, lambda_archive


@click.command(short_help="Write the archive of the two Lambda functions.")
@click.option("--output", required=True, metavar="FILE", help="Zip archive to write.")
def lambdas(output: str) -> None:
    """Write the zip archive of the Lambda functions of a Ground Truth job.

    Both are optional. The first shows workers the image, the words and the price of a product, and
    nothing else. The second joins the answers, so the output manifest has a label with every
    worker's answer. They need Python 3.10 or newer and nothing but what AWS Lambda has.

    \b
    Examples:
      shelfsort labels lambdas --output shelfsort-lambdas.zip
      shelfsort labels lambdas --output s3://shop/lambdas.zip
    """
    archive = lambda_archive()
    write_bytes(absolute(output), archive)
    click.echo(f"{one_line(output)}: {len(archive):,} bytes")
    for name, handler in HANDLERS.items():
        click.echo(f"  {name}: {handler}")
