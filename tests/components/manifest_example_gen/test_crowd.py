import dataclasses
import json

import pytest

from components.manifest_example_gen.category_tree import load_resolver
from components.manifest_example_gen.crowd import crowd_verdicts
from components.manifest_example_gen.labelling import labelled_product
from components.manifest_example_gen.preflight import examine
from components.manifest_example_gen.settings import DataConfig
from shelfsort.products.manifest.lines import file_lines
from shelfsort.products.manifest.parsing import read_record


def line(id_, **answers):
    workers = [
        {"worker_id": worker, "label": f"Top > {label}"} for worker, label in answers.items()
    ]
    job = {"shelf": {"workers": workers}, "shelf-metadata": {"type": "groundtruth/custom"}}
    return {"id": id_, "title": f"Product {id_}", **job}


@pytest.fixture
def manifest(tmp_path):
    """Three workers who are right, two who are wrong every other time, and both against one."""
    lines = []
    for n in range(20):
        truth, other = ("A", "B") if n % 2 else ("B", "A")
        guess = truth if n % 4 < 2 else other
        lines.append(line(f"p{n}", g1=truth, g2=truth, g3=truth, s1=guess, s2=guess))
    lines.append(line("both", g1="B", s1="A", s2="A"))
    lines.append(line("apart", s1="C", s2="D"))
    lines.append({"id": "unlabelled", "title": "T"})
    path = tmp_path / "in.manifest"
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return str(path)


def labelled(manifest, data):
    resolver = load_resolver([manifest], "", data)
    verdicts = crowd_verdicts([manifest], data, resolver)
    found = [
        labelled_product(read_record(each), data, resolver, verdicts)
        for each in file_lines(manifest)
    ]
    return found, verdicts


def test_by_default_each_line_is_its_own_majority(manifest):
    found, verdicts = labelled(manifest, DataConfig(label_attribute="shelf"))
    assert verdicts == {}
    assert found[20].label.category == "Top > A"
    assert found[20].label.confidence == pytest.approx(2 / 3)
    assert [found[21].reason, found[22].reason] == ["no_consensus", "missing_label"]


def test_another_method_weighs_workers_by_what_they_say_elsewhere(manifest):
    data = DataConfig(label_attribute="shelf", consolidation="one_coin")
    found, verdicts = labelled(manifest, data)
    assert len(verdicts) == 22
    assert found[20].label.category == "Top > B"
    assert 0.6 < found[20].label.weight == found[20].label.confidence < 1
    assert found[20].label.workers == ("g1", "s1", "s2")
    assert [found[21].reason, found[22].reason] == ["inner_label", "missing_label"]


def test_the_check_of_the_input_counts_the_same_labels(manifest):
    data = DataConfig(label_attribute="shelf", consolidation="one_coin")
    counted = examine(manifest, "", data)
    assert counted.categories == {"Top > A": 10, "Top > B": 11}
    assert counted.tally.by_reason == {"inner_label": 1, "missing_label": 1}
    default = dataclasses.replace(data, consolidation="majority")
    assert examine(manifest, "", default).categories == {"Top > A": 11, "Top > B": 10}
