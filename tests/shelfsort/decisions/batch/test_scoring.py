"""Products decided about into a database: each once, whatever happens."""

import itertools
import json
import random
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import grpc
import pytest
import sqlalchemy as sa

from shelfsort.client import Classifier
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.decisions.database import tables
from shelfsort.decisions.rules.reading import load_rules
from shelfsort.decisions.rules.replay import replay
from tests.fixtures.decisions import EACH_ONCE, RULES, Shop
from tests.fixtures.fake_server import TREE, answer_by_title


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def shop(request, tmp_path):
    if request.param == "sqlite":
        return Shop(tmp_path, str(tmp_path / "decisions.db"))
    return Shop(tmp_path, request.getfixturevalue("postgresql"))


@pytest.fixture
def classifier(fake):
    with Classifier(fake.address) as opened:
        yield opened


def test_every_product_gets_its_decision_or_the_reason_why_not(shop, classifier):
    found = shop.decide(classifier.ask)
    assert shop.latest() == [
        ("1", "publish"),
        ("2", "publish"),
        ("3", "review"),
        ("4", "review"),
        ("5", "review"),
    ]
    assert (found.rows, found.decided, found.automatic, found.new) == (7, 5, 2, 5)
    assert found.rejects == Counter(undecidable=1, unusable=1)
    assert (found.judged, found.right) == (2, 1)
    assert found.first_fault.endswith("products.csv:7: shop is 'c', none of a, b")
    places = [place.rpartition(":")[2] for (place,) in shop.rows("select place from reject")]
    assert sorted(places) == ["7", "8"]
    ((reason, rule, accepted),) = shop.rows(
        "select d.reason, d.rule, p.accepted from decision d join prediction p "
        "on p.id = d.prediction where p.product = '1'"
    )
    assert (reason, rule, accepted) == ("It is for the kitchen.", "kitchen of shop a", "95")
    ((summary,),) = shop.rows("select summary from run where ended is not null")
    assert json.loads(summary)["outcomes"] == {"publish": 2, "review": 3}


def test_a_second_run_asks_the_model_for_its_version_only(shop, classifier, fake):
    shop.decide(classifier.ask)
    before = len(fake.requests)
    again = shop.decide(classifier.ask)
    assert (again.decided, again.new) == (5, 0)
    assert len(fake.requests) == before + 1
    assert shop.rows("select count(*) from decision") == [(5,)]


def test_a_clock_that_jumps_costs_no_decision_and_no_count(shop, classifier, monkeypatch):
    monkeypatch.setattr("shelfsort.decisions.batch.scoring.AT_ONCE", 2)
    jumps = itertools.cycle([0, -30, 5, -200])

    def now():
        return datetime.now(timezone.utc) + timedelta(hours=next(jumps))

    for module in ("deciding", "runs"):
        monkeypatch.setattr(f"shelfsort.decisions.batch.{module}.utc_now", now)
    found = shop.decide(classifier.ask)
    assert (found.decided, found.new) == (5, 5)
    # One answer has no decision.
    assert shop.rows("select count(*) from prediction_detail") == [(6,)]


def test_new_rules_decide_from_stored_answers_and_old_decisions_stay(shop, classifier, fake):
    shop.decide(classifier.ask)
    before = len(fake.requests)
    shop.rules(RULES.replace("category: Kitchen", "category: mugs"))
    again = shop.decide(classifier.ask)
    assert (again.new, len(fake.requests)) == (5, before + 1)
    assert dict(shop.latest())["2"] == "review"
    assert shop.rows("select count(*) from decision") == [(10,)]
    assert shop.rows("select count(*) from prediction") == [(6,)]
    assert shop.rows("select count(*) from rules") == [(2,)]


def test_another_picture_behind_an_id_is_another_decision(shop, classifier, make_picture):
    picture = shop.folder / "1.jpg"
    shop.table(["1,mugs,a,,1.jpg"])
    for colour in ("red", "blue", "blue"):
        picture.write_bytes(make_picture(colour=colour))
        shop.decide(classifier.ask)
    assert shop.rows("select count(*), count(distinct input) from prediction") == [(2, 2)]


def test_another_model_version_decides_anew(shop, classifier, fake):
    shop.decide(classifier.ask)

    def newer(request):
        response = answer_by_title(request)
        response.model_spec.version.value = 4
        return response

    fake.respond = newer
    assert shop.decide(classifier.ask).new == 5
    assert shop.rows("select distinct model from latest_decision") == [("4",)]


def test_a_backoff_sends_its_category_to_people(shop, classifier):
    row = {"category": "mugs", "since": datetime.now(timezone.utc), "cause": "audits"}
    with shop.engine.begin() as connection:
        connection.execute(sa.insert(tables.backoff), row)
    shop.decide(classifier.ask)
    found = dict(shop.latest())
    assert (found["1"], found["2"]) == ("review", "publish")
    assert shop.rows(
        "select count(*) from decision where held_back = 'back-off 1' and reason = ''"
    ) == [(1,)]


def test_a_backoff_that_begins_while_a_run_decides_is_heeded(shop, classifier, monkeypatch):
    monkeypatch.setattr("shelfsort.decisions.batch.scoring.AT_ONCE", 1)
    shop.table(("1,mugs,a,,", "2,mugs,a,,", "3,bowls,a,,"))
    asked = []

    def breaks_after_the_first(rows):
        asked.append(rows)
        if b"mugs" in {row.title for row in rows} and len(asked) == 3:
            with shop.engine.begin() as connection:
                row = {"category": "mugs", "since": datetime.now(timezone.utc)}
                connection.execute(sa.insert(tables.backoff), row)
        return classifier.ask(rows)

    shop.decide(breaks_after_the_first)
    assert shop.latest() == [("1", "publish"), ("2", "review"), ("3", "publish")]


def test_a_product_that_the_model_refuses_is_a_dead_letter(shop, classifier):
    def picky(rows):
        if any(row.title == b"lamps" for row in rows):
            from shelfsort.client.classifier import ServerError

            raise ServerError("bad lamp", grpc.StatusCode.INVALID_ARGUMENT)
        return classifier.ask(rows)

    found = shop.decide(picky)
    assert (found.failures, found.decided) == (1, 4)
    assert shop.rows("select product, error from dead_letter") == [("3", "bad lamp")]


def test_rules_for_other_targets_are_refused(shop, classifier):
    shop.rules("targets: [0.95, 0.99]\n" + RULES)
    with pytest.raises(InputError, match=r"rules\.yaml: targets 95, 99; the model has 95, 98"):
        shop.decide(classifier.ask)


def test_a_server_that_is_away_for_a_moment_costs_nothing(shop, classifier, fake, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)
    fake.refusals = [grpc.StatusCode.DEADLINE_EXCEEDED] * 2
    assert shop.decide(classifier.ask, patience_s=60.0).decided == 5
    fake.refusals = [grpc.StatusCode.DEADLINE_EXCEEDED] * 2
    shop.rules(RULES.replace("publish", "grant"))
    with pytest.raises(RunFailed, match="the same command goes on"):
        shop.decide(classifier.ask)


def test_a_product_listed_twice_is_decided_once(shop, classifier):
    shop.table(["1,mugs,a,,", "1,mugs,a,,"])
    assert shop.decide(classifier.ask).new == 1


def test_a_replay_counts_what_new_rules_would_change_and_writes_nothing(shop, classifier):
    shop.decide(classifier.ask)
    shop.rules(RULES.replace("category: Kitchen", "category: mugs"))
    rules = load_rules(str(shop.folder / "rules.yaml"))
    found = replay(shop.engine, rules, datetime(2020, 1, 1, tzinfo=timezone.utc))
    assert (found.decisions, found.changed) == (5, 1)
    assert found.moves["publish", "review"] == 1 and found.moves["publish", "publish"] == 1
    (change,) = found.examples
    assert (change.product, change.before, change.after) == ("2", "publish", "review")
    assert shop.rows("select count(*) from decision") == [(5,)]
    later = datetime.now(timezone.utc) + timedelta(hours=1)
    assert replay(shop.engine, rules, later).decisions == 0


@pytest.mark.slow
def test_batches_that_meet_leave_each_product_one_row(shop, classifier):
    leaves = [leaf for leaf, _ in TREE]
    shop.table([f"{n},{leaves[n % 3]} {n},a,," for n in range(600)])
    (other := shop.folder / "backwards").mkdir()
    backwards = Shop(other, shop.database)
    backwards.table([f"{n},{leaves[n % 3]} {n},a,," for n in reversed(range(600))])
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(each.decide, classifier.ask, 60.0) for each in (shop, backwards)]
        running.append(pool.submit(shop.decide, classifier.ask, 60.0))
        found = [each.result() for each in running]
    assert [each.decided for each in found] == [600] * 3
    assert sum(each.new for each in found) == 600
    assert shop.rows(EACH_ONCE) == [(600, 600)]
    assert shop.rows("select count(*) from prediction_detail") == [(600,)]


@pytest.mark.slow
def test_a_killed_batch_goes_on_and_leaves_each_product_one_row(shop, start_server):
    products, chance = 3_000, random.Random(4)
    leaves = [leaf for leaf, _ in TREE]
    shop.table([f"{n},{leaves[n % 3]} {n},a,," for n in range(products)])
    server = start_server()
    server.delay_s = 0.02
    command = shop.command(server.address)
    for _ in range(3):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        asked = len(server.requests)
        while len(server.requests) < asked + chance.randint(10, 40) and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.wait()
        ((stored, distinct),) = shop.rows(EACH_ONCE)
        assert stored == distinct < products
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout)["decided"] == products
    assert shop.rows(EACH_ONCE) == [(products, products)]
    assert shop.rows("select count(*) from run where ended is not null") == [(1,)]
