"""The group `shelfsort taxonomy`."""

import click

from shelfsort.cli.taxonomy.draw import draw
from shelfsort.cli.taxonomy.labels import reduce, rollup
from shelfsort.cli.taxonomy.suggest import suggest
from shelfsort.cli.taxonomy.tree import build, check, save, search
from shelfsort.cli.taxonomy.versions import diff, migrate


@click.group()
def taxonomy() -> None:
    """Check, build, search, reduce, compare and draw category trees.

    A tree is a JSON list, a table, a list of paths, or a file of Google's or Shopify's taxonomy.

    \b
    Examples:
      shelfsort taxonomy check tree.json
      shelfsort taxonomy search tree.json "dog food"
      shelfsort taxonomy build taxonomy-with-ids.en-US.txt --output tree.json
      shelfsort taxonomy suggest tree.json --data labelled.manifest
      shelfsort taxonomy diff old.json new.json
    """


for command in (check, search, build, save, rollup, reduce, suggest, diff, migrate, draw):
    taxonomy.add_command(command)
