import dataclasses
import json
from pathlib import Path

import pytest

from components.manifest_example_gen.category_tree import load_resolver
from components.manifest_example_gen.crowd import NO_VERDICTS, crowd_verdicts
from components.manifest_example_gen.labelling import in_split, labelled_product
from components.manifest_example_gen.preflight import check, examine
from components.manifest_example_gen.settings import DataConfig
from shelfsort.core.errors import InputError
from shelfsort.products.manifest.lines import file_lines
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.manifest.rejects import RejectedLine


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
    assert verdicts == NO_VERDICTS
    assert found[20].label.category == "Top > A"
    assert found[20].label.confidence == pytest.approx(2 / 3)
    assert [found[21].reason, found[22].reason] == ["no_consensus", "missing_label"]


def test_another_method_weighs_workers_by_what_they_say_elsewhere(manifest):
    data = DataConfig(label_attribute="shelf", consolidation="one_coin")
    found, verdicts = labelled(manifest, data)
    assert (len(verdicts.by_people), len(verdicts.assisted)) == (22, 0)
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


@pytest.fixture
def parents(tmp_path):
    """Workers who name leaves, and at the end a parent category and leaves below it."""
    lines = [line(f"p{n}", g1="X > A", g2="X > A", s1="X > B") for n in range(12)]
    lines += [
        line("open", g1="X", g2="X > A", s1="X > B"),
        line("other", g1="Y", g2="Y", s1="Y > C"),
    ]
    path = tmp_path / "parents.manifest"
    path.write_text("".join(json.dumps(each) + "\n" for each in [*lines, line("c", g1="Y > C")]))
    return str(path)


def test_where_workers_agree_on_a_parent_category_alone_it_can_teach(manifest, parents):
    data = DataConfig(label_attribute="shelf", consolidation="one_coin", inner_labels="train")
    apart = labelled(manifest, data)[0][21].label
    assert (apart.category, apart.inner, apart.is_evidence) == ("Top", True, False)
    found, _ = labelled(parents, dataclasses.replace(data, consolidation="wawa"))
    assert (found[12].label.category, found[12].label.inner) == ("Top > X", True)
    assert found[12].label.confidence == found[12].label.weight > 0.9
    assert (found[13].label.category, found[13].label.inner) == ("Top > Y", True)


def test_a_majority_for_a_parent_category_can_teach(parents):
    data = DataConfig(label_attribute="shelf", inner_labels="train")
    found, _ = labelled(parents, data)
    assert found[12].reason == "no_consensus"
    assert (found[13].label.category, found[13].label.inner) == ("Top > Y", True)
    assert in_split(found[13], "train") is found[13]
    for split in ("calibration", "eval"):
        with pytest.raises(RejectedLine) as refused:
            in_split(found[13], split)
        assert refused.value.reason == "held_out_inner_label"


SPLITS = {"train": 6, "calibration": 3, "eval": 1}


@pytest.fixture
def scores(tmp_path):
    """Of a model that is sure: right on all, on `apart` too, and of another mind on `both`."""
    truths = {f"p{n}": "A" if n % 2 else "B" for n in range(20)} | {"both": "A", "apart": "C"}
    rows = [
        {"id": id_, "scores": {f"Top > {label}": 0.97, "Top > D": 0.03}}
        for id_, label in truths.items()
    ]
    path = tmp_path / "scores.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return str(path)


def assisted(scores, method="model_assisted"):
    return DataConfig(label_attribute="shelf", consolidation=method, scores=scores, splits=SPLITS)


@pytest.mark.parametrize("method", ["model_assisted", "auto"])
def test_a_models_scores_settle_what_people_leave_open_and_such_labels_only_train(
    manifest, scores, method
):
    found, verdicts = labelled(manifest, assisted(scores, method))
    assert (len(verdicts.by_people), len(verdicts.assisted)) == (22, 22)
    apart = found[21]
    assert (apart.label.category, apart.label.origin.source) == ("Top > C", "assisted")
    assert apart.by_people is None
    assert in_split(apart, "train") is apart
    for split in ("calibration", "eval"):
        with pytest.raises(RejectedLine, match="assisted") as refused:
            in_split(apart, split)
        assert refused.value.reason == "held_out_group"


def test_products_of_other_splits_keep_the_label_that_people_alone_give_them(manifest, scores):
    found, _ = labelled(manifest, assisted(scores))
    alone, _ = labelled(manifest, DataConfig(label_attribute="shelf", consolidation="auto"))
    trained, held_out = in_split(found[20], "train"), in_split(found[20], "eval")
    assert (trained.label.origin.source, held_out.label.origin.source) == ("assisted", "people")
    assert held_out.label == alone[20].label
    assert not trained.label.origin.is_evidence
    assert held_out.label.origin.is_evidence


def test_a_model_that_doubts_what_people_say_leaves_no_product_out(manifest, tmp_path):
    path = tmp_path / "scores.jsonl"
    spread = {f"Top > {name}": 0.25 for name in "ABCD"}
    path.write_text(json.dumps({"id": "p0", "scores": spread}) + "\n")
    data = dataclasses.replace(assisted(str(path)), min_confidence=0.999999)
    found, verdicts = labelled(manifest, data)
    people = dataclasses.replace(data, consolidation="auto", scores="")
    assert len(verdicts.assisted) == 1
    assert [type(each) for each in found] == [type(each) for each in labelled(manifest, people)[0]]


def test_lines_that_were_consolidated_before_keep_their_label(manifest, scores, tmp_path):
    fields = line("p0", g1="B", g2="B")
    fields["shelf"] |= {"result": {"shelf": "Top > B"}, "confidence": 0.8}
    fields["shelf-metadata"]["consolidation"] = {"method": "pooled", "outcome": "label"}
    path = tmp_path / "again.manifest"
    path.write_text(json.dumps(fields) + "\n" + json.dumps(line("p1", g1="A")) + "\n")
    (first, second), _ = labelled(str(path), assisted(scores))
    assert (first.label.origin.source, first.by_people) == ("people", None)
    assert (first.label.category, first.label.confidence) == ("Top > B", 0.8)
    assert second.label.origin.source == "assisted"


def test_scores_of_other_products_are_refused(manifest, tmp_path):
    path = tmp_path / "scores.jsonl"
    path.write_text(json.dumps({"id": "other", "scores": {"Top > A": 1}}) + "\n")
    with pytest.raises(InputError, match=r"scores\.jsonl: no product"):
        labelled(manifest, assisted(str(path)))


def test_scores_belong_to_what_a_run_is_identified_by(manifest, scores):
    settings = assisted(scores)
    before = check(manifest, "", settings).digest
    path = Path(scores)
    path.write_text(path.read_text().replace("0.97", "0.96").replace("0.03", "0.04"))
    assert check(manifest, "", settings).digest != before


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"consolidation": "model_assisted"}, "needs scores"),
        ({"scores": "s.jsonl"}, "consolidation"),
        ({"scores": "s.jsonl", "consolidation": "auto"}, "calibration"),
        ({"scores": "titles", "consolidation": "auto", "splits": SPLITS}, "titles"),
    ],
)
def test_settings_by_which_a_model_would_prove_itself_are_refused(settings, named):
    with pytest.raises(ValueError, match=named):
        DataConfig(**settings)
