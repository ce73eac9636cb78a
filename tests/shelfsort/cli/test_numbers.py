"""A number of an option lies in its range, and is one."""

import click
import pytest

from serving.cli.serve import serve
from shelfsort.cli.database.forgetting import prune
from shelfsort.cli.numbers import FiniteRange


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "x"])
def test_what_is_no_number_in_the_range_is_refused(value):
    with pytest.raises(click.BadParameter):
        FiniteRange(min=0).convert(value, None, None)


def test_a_number_in_the_range_is_given_back():
    assert FiniteRange(0, 1).convert("0.5", None, None) == 0.5


@pytest.mark.parametrize("days", ["0", "36501", "9" * 20])
def test_an_age_before_all_calendars_is_refused(days):
    with pytest.raises(click.BadParameter):
        prune.make_context("prune", ["--decisions", "d.db", "--older-than", days])


@pytest.mark.parametrize(
    "wrong",
    [
        ("--port", "65536"),
        ("--rest-port", "-1"),
        ("--management-port", "99999999"),
        ("--max-concurrent", "0"),
        ("--max-num-load-retries", "-1"),
        ("--max-message-mb", "nan"),
        ("--request-memory-mb", "inf"),
        ("--arrival-seconds", "nan"),
        ("--grace-seconds", "nan"),
        ("--file-system-poll-wait-seconds", "-1"),
        ("--load-retry-interval-seconds", "inf"),
        ("--model-config-file-poll-wait-seconds", "nan"),
        ("--tensorflow-intra-op-parallelism", "-2"),
    ],
)
def test_the_server_refuses_numbers_that_mean_nothing(wrong):
    with pytest.raises(click.BadParameter):
        serve.make_context("serve", ["--model-base-path", "m", *wrong])
