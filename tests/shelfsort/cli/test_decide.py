"""`shelfsort batch` as it is called."""

import json
import socket
import threading

import pytest
from click.testing import CliRunner

from shelfsort.cli.decide import batch
from shelfsort.cli.promise import promise
from shelfsort.core.errors import InputError
from tests.fixtures.decisions import COLUMNS, Shop


@pytest.fixture
def call(tmp_path, fake):
    """The output of the command about a file or pattern in the shop's folder."""
    shop = Shop(tmp_path, str(tmp_path / "decisions.db"))

    def called(data, *options):
        places = ["--data", str(tmp_path / data), "--rules", str(tmp_path / "rules.yaml")]
        places += ["--database", shop.database, "--address", fake.address]
        done = CliRunner().invoke(batch, [*places, *options], catch_exceptions=True)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    return called


@pytest.mark.parametrize(
    ("name", "content"),
    [("new-1.csv", ""), ("new-1.csv", f"{COLUMNS}\n"), ("new-1.manifest", "\n\n")],
)
def test_a_day_without_products_ends_well_where_that_is_expected(tmp_path, call, name, content):
    (tmp_path / name).write_text(content)
    for data in (name, "new-*", "other-*.csv"):
        found = json.loads(call(data, "--if-any", "--json"))
        assert (found["rows"], found["decided"]) == (0, 0)
        with pytest.raises(InputError):
            call(data)
    first = str(tmp_path / "first.db")
    call("other-*.csv", "--if-any", "--database", first)
    watched = ["check", "--database", first, "--promise", "0.98", "--if-any"]
    assert CliRunner().invoke(promise, watched).exit_code == 0
    # Not the file beside it.
    (tmp_path / "new-2.csv").write_text(f"{COLUMNS}\n1,mugs,a,,\n")
    assert "1 rows: 1 decided" in call("new-*", "--if-any")


def test_a_file_that_is_missing_is_no_day_without_products(call):
    with pytest.raises(InputError, match=r"gone\.csv"):
        call("gone.csv", "--if-any")


def test_the_stored_rules_are_the_ones_that_decided(tmp_path, call):
    call("products.csv")
    shop = Shop(tmp_path, str(tmp_path / "decisions.db"))
    assert shop.rows("select content from rules") == [((tmp_path / "rules.yaml").read_text(),)]


@pytest.mark.slow
def test_a_model_server_that_comes_up_after_the_start_is_waited_for(call, start_server):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    late = threading.Timer(2.0, start_server, kwargs={"port": port})
    late.start()
    said = call("products.csv", "--address", f"127.0.0.1:{port}", "--patience", "60")
    late.join()
    assert "Asked again in 1 s." in said
    assert "7 rows: 5 decided, 5 of them now" in said
