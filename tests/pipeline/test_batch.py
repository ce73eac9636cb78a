"""Products decided about on Beam runners: the same rows as one process leaves, each once."""

import functools
import os
import signal
import subprocess
import time

import grpc
import pytest

from pipeline.batch import decide_on_beam
from shelfsort.cli.asking import asking
from shelfsort.client import DEFAULT_MODEL, Classifier, Connection
from shelfsort.core.errors import InputError, RunFailed
from tests.fixtures.decisions import EACH_ONCE, RULES, Shop
from tests.fixtures.fake_server import TREE

BUNDLES = "apache_beam.runners.direct.direct_runner.BundleBasedDirectRunner"
LOOPBACK = ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"]
PROCESSES = [
    "--runner=DirectRunner",
    "--direct_running_mode=multi_processing",
    "--direct_num_workers=2",
]
LEAVES = [leaf for leaf, _ in TREE]
DECIDED = "select product, outcome, reason, category from latest_decision order by product"


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path, str(tmp_path / "decisions.db"))


def table(shop, products):
    """Products of which one has a field that no rule knows, and one is blank."""
    rows = [f"{n},{LEAVES[n % 3]} {n},{'ab'[n % 2]},{LEAVES[n % 3]}," for n in range(products)]
    shop.table([*rows, f"{products},mugs,c,,", f"{products + 1},,a,,"])


def on_beam(shop, address, args, database=""):
    opened = functools.partial(asking, address, None, DEFAULT_MODEL, None, Connection())
    return decide_on_beam(shop.job(), opened, database or shop.database, args, lambda _: None)


def in_one_process(tmp_path, address, products):
    other = Shop(tmp_path / "other", str(tmp_path / "other.db"))
    table(other, products)
    with Classifier(address) as classifier:
        return other, other.decide(classifier.ask)


@pytest.mark.slow
def test_a_runner_leaves_the_same_decisions_and_summary_as_one_process(shop, fake, tmp_path):
    args = [f"--runner={BUNDLES}"]
    (tmp_path / "other").mkdir()
    table(shop, 300)
    other, alone = in_one_process(tmp_path, fake.address, 300)
    found = on_beam(shop, fake.address, args)
    expected = {**alone.to_json(), "first_fault": found.first_fault}
    assert found.to_json() == expected
    assert found.rejects == {"undecidable": 1, "unusable": 1}
    assert found.first_fault.endswith("products.csv:302: shop is 'c', none of a, b")
    assert shop.rows(DECIDED) == other.rows(DECIDED)
    assert shop.rows("select count(*) from run where ended is not null") == [(1,)]
    shop.rules(RULES.replace("publish", "grant"))
    again = on_beam(shop, fake.address, args)
    assert (again.decided, again.new, again.outcomes["grant"]) == (300, 300, 100)
    assert shop.rows("select count(*) from prediction") == [(301,)]


@pytest.mark.slow
def test_a_bundle_that_fails_half_way_is_repeated_and_adds_no_row(shop, fake):
    table(shop, 600)
    answer, before = fake.respond, []

    def answer_once_wrongly(request):
        if b"mugs 300" in request.inputs["title"].string_val:
            fake.respond = answer
            before.extend(shop.rows("select count(*) from decision"))
            # Fewer than the runner's tries: each may meet one only.
            fake.refusals = [grpc.StatusCode.INTERNAL] * 2
        return answer(request)

    fake.respond = answer_once_wrongly
    found = on_beam(shop, fake.address, [f"--runner={BUNDLES}"])
    assert before == [(256,)] and not fake.refusals
    assert (found.rows, found.decided, found.new) == (602, 600, 600)
    assert found.rejects == {"undecidable": 1, "unusable": 1}
    assert shop.rows(EACH_ONCE) == [(600, 600)]
    assert shop.rows("select count(*) from reject") == [(2,)]


@pytest.mark.slow
def test_killed_processes_leave_what_a_portable_runner_completes(shop, start_server):
    products = 1_500
    table(shop, products)
    server = start_server()
    server.delay_s = 0.05
    command = [*shop.command(server.address), *(f"--beam-arg={each}" for each in PROCESSES)]
    killed = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while not shop.rows("select count(*) from decision")[0][0] > 100:
        assert killed.poll() is None
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    ((stored, distinct),) = shop.rows(EACH_ONCE)
    assert stored == distinct < products
    server.delay_s = 0.0
    found = on_beam(shop, server.address, LOOPBACK)
    assert (found.decided, found.new) == (products, products - stored)
    assert found.judged == found.right == found.automatic == 500
    assert shop.rows(EACH_ONCE) == [(products, products)]


@pytest.mark.slow
@pytest.mark.parametrize("args", [[f"--runner={BUNDLES}"], ["--runner=DirectRunner"]])
def test_a_workers_error_is_one_line_of_its_own(shop, fake, args):
    with pytest.raises(RunFailed) as stopped:
        on_beam(shop, "localhost:1", args)
    assert str(stopped.value).startswith("localhost:1: no server answers")
    assert str(stopped.value).endswith("or start the server. The same command goes on.")
    shop.rules("targets: [0.95, 0.99]\n" + RULES)
    with pytest.raises(InputError) as refused:
        on_beam(shop, fake.address, args)
    said = f"{shop.folder}/rules.yaml: targets 95, 99; the model has 95, 98. Correct targets."
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("args", "database", "said"),
    [
        (["--runer=DirectRunner"], "", "--beam-arg: Beam has no option --runer"),
        (["--runner=FlinkRunner"], "", "cannot open a file of this one"),
        (["--runner=DirectRunner"], "postgresql://shop:secret@db/x", "PGPASSWORD"),
    ],
)
def test_what_workers_could_not_use_is_refused(shop, args, database, said):
    with pytest.raises(InputError, match=said) as refused:
        on_beam(shop, "localhost:1", args, database)
    assert "secret" not in str(refused.value)
