"""`shelfsort monitor`, and the webhook of `shelfsort promise check`."""

import json
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from shelfsort.cli.monitor import monitor
from shelfsort.cli.promise import promise
from shelfsort.core.database.engine import reader
from shelfsort.decisions.database.opening import open_database
from tests.fixtures.decided_days import Shop

DAYS = 20


@pytest.fixture
def filled(tmp_path):
    """Days until today with so many right, and as many of a category as before or more."""

    def made(right=1.0, lamps=30):
        place = str(tmp_path / "decisions.db")
        engine = open_database(place)
        shop = Shop(engine)
        today = datetime.now(timezone.utc).replace(hour=0, minute=0)
        for n in range(DAYS):
            mix = {"mugs": 60, "lamps": 30 if n < 15 else lamps}
            at = today - timedelta(DAYS - 1 - n)
            shop.day(at, mix, automatic=1.0, audited=40, right=right)
        return place

    return made


@pytest.fixture
def receiver():
    """Bodies that were posted."""
    taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/secret-path", taken
        server.shutdown()


def call(command, *arguments):
    done = CliRunner().invoke(command, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def test_days_as_they_should_be_end_well_and_are_written(filled, tmp_path):
    page, metrics = tmp_path / "days.html", tmp_path / "days.prom"
    place = filled()
    status, text, _ = call(
        monitor, "--database", place, "--promise", "0.98", "--json",
        "--page", str(page), "--metrics", str(metrics),
    )  # fmt: skip
    found = json.loads(text)
    assert (status, found["alarms"], len(found["days"])) == (0, [], DAYS)
    assert "No alarm." in page.read_text()
    assert "shelfsort_monitor_drift 0\n" in metrics.read_text()


def test_drift_ends_with_status_1_and_is_posted_once(filled, receiver):
    url, taken = receiver
    place = filled(lamps=120)
    arguments = ("--database", place, "--promise", "0.98", "--webhook", url)
    for _ in range(2):
        status, text, said = call(monitor, *arguments)
        assert status == 1
        assert "lamps has drifted" in text and "secret-path" not in text + said
    (body,) = taken
    assert {(each["kind"], each["category"]) for each in body["alarms"]} >= {("drift", "lamps")}


def test_a_person_may_say_that_the_change_is_as_it_should_be(filled):
    since = (datetime.now(timezone.utc) - timedelta(4)).date().isoformat()
    status, text, _ = call(
        monitor, "--database", filled(lamps=120), "--promise", "0.98",
        "--reference-from", since, "--reference-days", "3",
    )  # fmt: skip
    assert status == 0 and "e-value" in text


def test_a_broken_promise_sends_to_people_and_is_posted(filled, receiver, monkeypatch):
    url, taken = receiver
    monkeypatch.setenv("SHELFSORT_WEBHOOK", url)
    place = filled(right=0.8)
    status, _, said = call(monitor, "--database", place, "--promise", "0.98", "--back-off")
    assert status == 1 and "From now on people decide: mugs" in said
    with reader(open_database(place)) as connection:
        held = connection.execute(sa.text("select category from active_backoffs")).scalars().all()
    assert held == ["mugs"]
    status, _, _ = call(promise, "check", "--database", place, "--promise", "0.98")
    assert status == 1
    assert [body["source"] for body in taken] == ["shelfsort monitor", "shelfsort promise check"]
    assert {"kind": "promise_broken", "category": "mugs"}.items() <= taken[1]["alarms"][1].items()


def test_an_address_that_takes_nothing_ends_with_status_1(filled, monkeypatch):
    monkeypatch.setattr("shelfsort.decisions.monitoring.webhook._WAITS_S", ())
    place = filled(lamps=120)
    arguments = ("--database", place, "--promise", "0.98", "--webhook", "http://127.0.0.1:9/x")
    status, _, said = call(monitor, *arguments)
    assert status == 1 and "not delivered" in said
