"""The options by which commands take data."""

import click
import pytest
from click.testing import CliRunner

from pipeline.cli.options import data_options, data_overrides
from shelfsort.core.errors import InputError


@click.command()
@data_options
def overrides(taxonomy, columns, categories, min_products):
    for each in data_overrides(columns, categories, min_products):
        click.echo(each)


def test_columns_that_are_given_twice_are_joined():
    result = CliRunner().invoke(overrides, ["--columns", "title=A,price=P", "--columns", "image=B"])
    assert result.output == 'data.columns={"title": "A", "price": "P", "image": "B"}\n'
    assert CliRunner().invoke(overrides, []).output == ""


def test_a_field_that_is_given_twice_is_refused():
    result = CliRunner().invoke(overrides, ["--columns", "title=A", "--columns", "title=B"])
    assert isinstance(result.exception, InputError)


@pytest.mark.parametrize(
    "given", [("--columns", ""), ("--columns", "title"), ("--columns", "colour=A")]
)
def test_columns_of_another_form_are_refused(given):
    assert isinstance(CliRunner().invoke(overrides, given).exception, InputError)
