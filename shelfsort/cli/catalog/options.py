"""What several commands of `shelfsort catalog` take."""

import click

settings_argument = click.argument("settings", metavar="SETTINGS")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
