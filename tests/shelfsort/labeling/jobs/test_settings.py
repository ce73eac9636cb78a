from dataclasses import replace
from decimal import Decimal

import pytest

from shelfsort.core.errors import InputError
from shelfsort.labeling.jobs.settings import load_job
from tests.shelfsort.labeling.jobs.conftest import GROUND_TRUTH


def test_money_is_exact_and_durations_have_units(job_file):
    job = load_job(str(job_file()))
    assert job.price == Decimal("0.048")
    assert job.ground_truth.time_limit == 300
    assert load_job(str(job_file(GROUND_TRUTH + "  available_for: 3d\n"))).ground_truth == replace(
        job.ground_truth, available_for=259_200
    )
    assert (job.workers, job.attribute) == (3, "category")


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("name: shelf-1\n", "", 1, "name is missing"),
        ("price: 0.048", "price: 0.048\nprise: 1", 4, "no setting 'prise'"),
        ("shelf-1", "no spaces", 1, "name"),
        ("price: 0.048", "price: -1", 3, "price"),
        ("fee: 0.08", "fee: much", 4, "fee"),
        ("5m", "soon", 11, "ground_truth.time_limit: write a duration"),
        ("5m", "29s", 11, "ground_truth.time_limit"),
        ("5m", "28801", 11, "ground_truth.time_limit"),
        ("5m", "true", 11, "ground_truth.time_limit"),
        ("5m", "5m\n  available_for: 31d", 12, "ground_truth.available_for"),
        ("5m", "5m\n  at_once: true", 12, "ground_truth.at_once"),
        ("fee: 0.08", "fee: 0.08\nworkers: true", 5, "workers"),
        ("fee: 0.08", "fee: 0.08\nworkers: 3.0", 5, "workers"),
        ("fee: 0.08", "fee: -0.0", 4, "fee"),
        ("price: 0.048", "price: true", 3, "price"),
        ("{store}/jobs", "/tmp/jobs", 6, "ground_truth.folder"),
        ("  region: eu-west-1\n", "", 5, "ground_truth.region is missing"),
    ],
)
def test_a_wrong_setting_is_named_with_its_line(job_file, old, new, line, said):
    assert old in GROUND_TRUTH
    path = job_file(GROUND_TRUTH.replace(old, new))
    with pytest.raises(InputError) as refused:
        load_job(str(path))
    assert str(refused.value).startswith(f"{path}:{line}: ")
    assert said in str(refused.value)


def test_a_job_has_to_be_somewhere(job_file):
    with pytest.raises(InputError, match="no ground_truth and no label_studio"):
        load_job(str(job_file(GROUND_TRUTH.partition("ground_truth")[0])))
