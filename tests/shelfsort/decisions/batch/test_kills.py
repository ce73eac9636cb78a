"""Batches while scorer and database are killed: each product keeps one row."""

import json
import random
import subprocess
import threading
import time

import pytest

from shelfsort.client import Classifier
from shelfsort.core.errors import InputError
from shelfsort.decisions.database.opening import open_patiently
from tests.fixtures.decisions import EACH_ONCE, Shop
from tests.fixtures.fake_server import TREE

pytestmark = pytest.mark.slow
PRODUCTS = 3_000
DECIDED = "select product, outcome, reason, category from latest_decision"
LEAVES = [leaf for leaf, _ in TREE]


def shop_of(folder, database):
    shop = Shop(folder, database)
    shop.table([f"{n},{LEAVES[n % 3]} {n},{'ab'[n % 2]},," for n in range(PRODUCTS)])
    return shop


def test_kills_of_scorer_and_server_change_no_decision(tmp_path, own_postgresql, start_server):
    (tmp_path / "calm").mkdir()
    shop = shop_of(tmp_path, own_postgresql.create("shop"))
    calm = shop_of(tmp_path / "calm", str(tmp_path / "calm.db"))
    chance, model = random.Random(7), start_server()
    with Classifier(model.address) as classifier:
        calm.decide(classifier.ask)
    model.delay_s = 0.03
    command = [*shop.command(model.address), "--patience", "60"]

    def start():
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def wait_for_answers(running):
        asked = len(model.requests) + chance.randint(5, 20)
        while len(model.requests) < asked:
            assert running.poll() is None
            time.sleep(0.01)

    running = start()
    for victim in ("server", "scorer", "server"):
        wait_for_answers(running)
        if victim == "server":
            own_postgresql.kill()
            own_postgresql.start()
        else:
            running.kill()
            running.communicate()
            running = start()
    printed, _ = running.communicate()
    # The last scorer outlived the server.
    assert running.returncode == 0
    assert json.loads(printed)["decided"] == PRODUCTS
    assert shop.rows(EACH_ONCE) == [(PRODUCTS, PRODUCTS)]
    assert sorted(shop.rows(DECIDED)) == sorted(calm.rows(DECIDED))
    kept = "select count(*) from prediction p join prediction_detail d on d.prediction = p.id"
    assert shop.rows(kept) == [(PRODUCTS,)]


def test_a_database_that_stays_away_ends_the_batch_with_one_line(
    tmp_path, own_postgresql, start_server
):
    shop = shop_of(tmp_path, own_postgresql.create("shop"))
    model = start_server()
    model.delay_s = 0.02
    running = subprocess.Popen(
        [*shop.command(model.address), "--patience", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(model.requests) < 10:
        time.sleep(0.01)
    own_postgresql.kill()
    _, said = running.communicate()
    assert running.returncode == 1
    last = said.strip().splitlines()[-1]
    assert last.startswith("shelfsort: failed: the database is away")
    assert last.endswith("The same command goes on.")


def test_a_database_that_comes_up_after_the_start_is_waited_for(own_postgresql):
    place, said = own_postgresql.create("shop"), []
    own_postgresql.kill()
    late = threading.Timer(1.0, own_postgresql.start)
    late.start()
    open_patiently(place, 60.0, said.append).dispose()
    late.join()
    assert said[0].startswith("the database is away (")
    with pytest.raises(InputError, match='"nowhere" does not exist'):
        open_patiently(own_postgresql.url("nowhere"), 60.0, said.append)
