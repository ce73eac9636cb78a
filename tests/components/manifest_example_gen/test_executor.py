import json
import random
from pathlib import Path

import pytest

from components.manifest_example_gen.artifact import (
    Ingestion,
    read_origin,
    read_rejects,
    read_taxonomy,
)
from components.manifest_example_gen.preflight import check
from components.manifest_example_gen.settings import DataConfig
from shelfsort.core.errors import InputError
from shelfsort.products.groups import group_id, group_key
from tests.fixtures.golden import refusal
from tests.fixtures.ingestion import describe_label, ids, ingest, read_examples, value

pytestmark = pytest.mark.slow

REASONS_MADE = {
    "not_json",
    "not_an_object",
    "unknown_label",
    "not_a_leaf",
    "no_consensus",
    "job_failed",
    "missing_label",
    "no_content",
    "missing_image",
    "unreadable_image",
    "unsupported_image_format",
    "image_too_large",
    "path_outside_folder",
    "unsupported_scheme",
    "repeated_id",
}


@pytest.fixture
def broken(whole, make_line, make_picture):
    """`whole` with at least one line for each reason of REASONS_MADE."""
    good = {"title": "t", "id": "bad"}
    for label in ("hats", "Clothes"):
        whole.add(make_line([label], **good))
    whole.add(make_line(["shoes", "shirts"], **good))
    whole.add({**make_line([], **good), "shelf-metadata": {"failure-reason": "ClientError"}})
    whole.add({**good, "shelf-metadata": {"type": "groundtruth/custom"}})
    whole.add(make_line(["shoes"], id="empty"))
    references = [
        "images/none.jpg",
        whole.picture("cut.jpg", make_picture()[:200]),
        whole.picture("x.svg", b"<svg/>"),
        whole.picture("large.png", make_picture("PNG", size=(400, 300))),
        "../taxonomy.json",
        "http://127.0.0.1/a.jpg",
    ]
    for n, reference in enumerate(references):
        whole.add(make_line(["shoes"], id=f"picture{n}", **{"source-ref": reference}))
    whole.add(make_line(["shoes"], id="p1", title="repeated"))
    whole.add(b"[1]")
    whole.add(b'{"id": "p2"')
    return whole


def test_examples_have_the_features_of_the_contract(whole, tmp_path):
    examples = read_examples(ingest(whole, tmp_path)["examples"])
    by_id = {value(e, "product_id").decode(): e for found in examples.values() for e in found}
    assert len(by_id) == 120
    full = by_id["p1"]
    image = Path(whole.folder, "images/1.jpg").read_bytes()
    assert {name: value(full, name) for name in full.features.feature} == {
        "product_id": b"p1",
        "title": b"Thing number 1",
        "description": b"",
        "price": 0.5,
        "image": image,
        "image_width": 24,
        "image_height": 16,
        "image_format": b"jpeg",
        "image_source": b"images/1.jpg",
        "category": b"shoes",
        "label_confidence": pytest.approx(2 / 3),
        "label_weight": pytest.approx(2 / 3),
        "worker_count": 3,
        "label_source": b"people",
        "selected_by": b"",
        "group": group_id(group_key("thing NUMBER 1", b"", "")),
        "gold": b"trousers",
    }
    words_only, picture_only = by_id["p3"], by_id["p4"]
    assert (value(words_only, "image"), value(words_only, "image_format")) == (b"", b"")
    assert value(picture_only, "title") == b""
    assert not {"price", "gold"} & set(picture_only.features.feature)


def test_a_second_run_writes_the_same_bytes_though_the_lines_are_shuffled(whole, tmp_path):
    first = ingest(whole, tmp_path / "1")["examples"]
    random.Random(3).shuffle(whole.lines)
    second = ingest(whole, tmp_path / "2")["examples"]
    files = sorted(p.relative_to(first.uri) for p in Path(first.uri).rglob("*.gz"))
    assert files == sorted(p.relative_to(second.uri) for p in Path(second.uri).rglob("*.gz"))
    assert ids(read_examples(first)) == ids(read_examples(second))


def test_variants_with_one_title_stay_in_one_split(catalogue, make_line, tmp_path):
    for n in range(200):
        line = make_line(
            ["shoes", "shirts"][n % 2 : n % 2 + 1], id=str(n), title=f"Shoe - {n % 50}"
        )
        catalogue.add(line)
    examples = read_examples(ingest(catalogue, tmp_path)["examples"])
    titles = [{value(e, "title") for e in found} for found in examples.values()]
    assert sum(map(len, titles)) == len(set.union(*titles)) == 50


def test_every_broken_line_is_rejected_with_its_reason_and_counted(broken, tmp_path):
    rejects = ingest(broken, tmp_path, max_image_pixels=100_000)["rejects"]
    records = list(read_rejects(rejects.uri))
    assert {record.reason for record in records} == REASONS_MADE
    assert [record.line for record in records] == list(range(121, 136))
    assert all(record.detail for record in records)
    ingestion = Ingestion.read(rejects.uri)
    assert (ingestion.lines, ingestion.accepted, ingestion.rejected) == (135, 120, 15)
    assert ingestion.by_reason == dict.fromkeys(REASONS_MADE, 1)
    assert sum(ingestion.splits.values()) == 120
    # What was answered about rejected products was paid for, too.
    answers = sum(line.count(b"worker_id") for line in broken.lines)
    assert ingestion.labels.answers == answers


def test_a_product_whose_image_cannot_be_used_keeps_its_words(whole, make_line, tmp_path):
    lost = make_line(["shoes"], id="lost", title="Words alone", **{"source-ref": "images/gone.jpg"})
    whole.add(lost)
    found = ingest(whole, tmp_path)
    ingestion = Ingestion.read(found["rejects"].uri)
    assert (ingestion.accepted, ingestion.rejected) == (121, 0)
    assert ingestion.ignored == {"missing_image": 1}
    examples = [each for split in read_examples(found["examples"]).values() for each in split]
    (kept,) = [each for each in examples if value(each, "product_id") == b"lost"]
    assert (value(kept, "title"), value(kept, "image")) == (b"Words alone", b"")


def test_most_images_in_a_wrong_folder_stop_the_run(whole, make_line, tmp_path):
    for n in range(40):
        reference = {"source-ref": f"gone/{n}.jpg"}
        whole.add(make_line(["shoes"], id=f"lost{n}", title=f"Words {n}", **reference))
    with pytest.raises(InputError, match=r"images of 40 of 160 products.*20\.0%"):
        ingest(whole, tmp_path)


def test_an_image_of_another_format_is_stored_as_the_graph_decodes_it(
    catalogue, make_line, make_picture, tmp_path
):
    for n in range(60):
        reference = catalogue.picture(f"{n}.webp", make_picture("WEBP", colour=(n, 2 * n, 100)))
        line = make_line(["shoes" if n % 2 else "shirts"], id=str(n), title=f"Thing {n}")
        catalogue.add(line | {"source-ref": reference})
    found = ingest(catalogue, tmp_path)
    assert Ingestion.read(found["rejects"].uri).accepted == 60
    examples = [each for split in read_examples(found["examples"]).values() for each in split]
    assert {value(each, "image_format") for each in examples} == {b"jpeg"}
    assert all(value(each, "image").startswith(b"\xff\xd8") for each in examples)


def test_nothing_but_the_splits_and_their_origin_is_left_in_the_examples_folder(whole, tmp_path):
    examples = ingest(whole, tmp_path, splits={"train": 3, "calibration": 1, "eval": 1})["examples"]
    assert examples.splits == ["train", "calibration", "eval"]
    names = sorted(p.name for p in Path(examples.uri).iterdir())
    assert names == ["Split-calibration", "Split-eval", "Split-train", "origin.json"]


def test_a_later_file_supersedes_and_old_products_stay_in_their_splits(whole, make_line, tmp_path):
    before = ids(read_examples(ingest(whole, tmp_path / "before")["examples"]))
    whole.lines = []
    for n in (2, 500):
        whole.add(make_line(["trousers"], id=f"p{n}", title=f"Thing number {n}"))
    whole.manifest = str(whole.folder / "later.manifest")
    whole.write()
    whole.manifest = str(whole.folder)
    outputs = ingest(whole, tmp_path / "after", write=False)
    examples = read_examples(outputs["examples"])
    after = ids(examples)
    assert {id_ for found in after.values() for id_ in found} == {
        f"p{n}" for n in (*range(120), 500)
    }
    assert all(set(before[split]) - {"p2"} <= set(after[split]) for split in before)
    labels = {value(e, "product_id"): value(e, "category") for f in examples.values() for e in f}
    assert (labels[b"p2"], labels[b"p500"]) == (b"trousers", b"trousers")
    ingestion = Ingestion.read(outputs["rejects"].uri)
    assert (ingestion.lines, ingestion.superseded, ingestion.rejected) == (122, 1, 0)
    assert [n for _, n in sorted(ingestion.files.items())] == [119, 2]


def test_what_the_examples_were_made_from_is_written_beside_them(whole, tmp_path):
    examples = ingest(whole, tmp_path, digest="0123")["examples"]
    origin = read_origin(examples.uri)
    assert (origin.content_digest, origin.spans) == ("0123", (whole.manifest,))
    assert origin.splits == {"train": 90, "eval": 10}


def test_only_the_files_that_the_digest_is_of_are_read(whole, make_line, tmp_path):
    manifest = whole.write()
    (whole.folder / "later.manifest").write_text(
        json.dumps(make_line(["shoes"], id="x", title="x"))
    )
    whole.manifest = str(whole.folder)
    outputs = ingest(whole, tmp_path, write=False, spans=json.dumps({manifest: 120}))
    assert Ingestion.read(outputs["rejects"].uri).lines == 120


def test_the_reduced_taxonomy_is_handed_on(whole, tmp_path):
    reduction = whole.folder / "reduction.csv"
    reduction.write_text("from,to\nshirts,clothes\ntrousers,clothes\n")
    outputs = ingest(whole, tmp_path, reduction=str(reduction))
    nodes = read_taxonomy(outputs["taxonomy"].uri).to_nodes()
    assert [node["id"] for node in nodes] == ["main", "clothes", "shoes"]
    examples = read_examples(outputs["examples"])
    everything = [e for found in examples.values() for e in found]
    assert {value(e, "category") for e in everything} == {b"clothes", b"shoes"}
    assert {value(e, "gold") for e in everything if "gold" in e.features.feature} == {b"clothes"}
    ingestion = Ingestion.read(outputs["rejects"].uri)
    assert ingestion.reduction == {"shirts": "clothes", "trousers": "clothes"}


def test_too_many_broken_pictures_stop_the_run_and_the_rejects_are_written(broken, tmp_path):
    with pytest.raises(InputError, match=r":121: 9\.8% .* 133 .*data\.max_reject_share"):
        broken.lines.pop()
        ingest(broken, tmp_path, max_reject_share=0.09, max_image_pixels=100_000)
    assert len(list(read_rejects(tmp_path / "rejects"))) == 14


def test_a_manifest_of_which_nothing_is_left_is_refused_in_one_line(catalogue, make_line, tmp_path):
    for n in range(3):
        catalogue.add(make_line(["hats"], id=str(n), title="t"))
    message = refusal(InputError, ingest, catalogue, tmp_path)
    assert message.startswith(f"{catalogue.manifest}:1: ") and "(unknown_label 3 from" in message


def test_too_few_products_for_the_splits_stop_the_run(catalogue, make_line, tmp_path):
    for n, label in enumerate(["shoes", "shirts"]):
        catalogue.add(make_line([label], id=str(n), title=f"t{n}"))
    with pytest.raises(InputError, match=r" 2 products .*data\.splits"):
        ingest(catalogue, tmp_path)


def test_statistics_leave_out_the_pixels_and_the_schema_finds_nothing_to_object_to(whole, tmp_path):
    from tfx.components.statistics_gen.executor import Executor as StatisticsExecutor
    from tfx.types import standard_artifacts

    import schema

    # One label that a model had a part in brings the features that others lack.
    origin = {"label-source": "assisted", "selected-by": "doubt", "selection-probability": 0.5}
    for n in range(40):
        describe_label(whole, n, origin)
    examples = ingest(whole, tmp_path)["examples"]
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(tmp_path / "statistics")
    StatisticsExecutor().Do(
        {"examples": [examples]},
        {"statistics": [statistics]},
        {"stats_options_json": schema.statistics_options().to_json(), "exclude_splits": "[]"},
    )
    assert_only_pixels_are_missing(statistics)


def assert_only_pixels_are_missing(statistics):
    import tensorflow_data_validation as tfdv

    import schema

    declared = tfdv.load_schema_text(str(schema.SCHEMA_FILE))
    for split in ("train", "eval"):
        found = tfdv.load_stats_binary(f"{statistics.uri}/Split-{split}/FeatureStats.pb")
        names = {feature.path.step[0] for feature in found.datasets[0].features}
        names.add("selection_probability")  # only some products of `train` have it
        assert names == {feature.name for feature in declared.feature} - {"image"}
        assert not tfdv.validate_statistics(found, declared).anomaly_info


def checked_digest(catalogue):
    from components.manifest_example_gen.preflight import check

    settings = DataConfig(max_reject_share=1)
    return check(catalogue.manifest, catalogue.taxonomy, settings).digest


def test_what_was_checked_is_stored_under_its_digest_rejects_and_all(broken, tmp_path):
    broken.write()
    digest = checked_digest(broken)
    found = ingest(broken, tmp_path / "out", digest=digest, write=False, max_reject_share=1)
    assert read_origin(found["examples"].uri).content_digest == digest


@pytest.mark.parametrize("changed", ["manifest", "taxonomy", "image"])
def test_content_that_changed_after_the_check_is_not_stored(whole, tmp_path, changed):
    whole.write()
    digest = checked_digest(whole)
    if changed == "manifest":
        file = Path(whole.manifest)
        file.write_text(file.read_text().replace("Thing number", "CHANGED"))
    elif changed == "taxonomy":
        file = Path(whole.taxonomy)
        file.write_text(file.read_text().replace("Clothes", "Garments"))
    else:
        image = next(whole.folder.rglob("7.jpg"))
        image.write_bytes(next(whole.folder.rglob("8.jpg")).read_bytes())
    with pytest.raises(InputError, match="changed during the run"):
        ingest(whole, tmp_path / "out", digest=digest, write=False)


def test_a_line_whose_image_cannot_be_used_leaves_its_id_to_the_next(
    catalogue, make_line, make_picture, tmp_path
):
    for n in range(20):
        catalogue.add(make_line(["shoes" if n % 2 else "shirts"], id=f"p{n}", title=f"Thing {n}"))
    images = ["gone.jpg", *(catalogue.picture(f"{n}.jpg", make_picture()) for n in range(2))]
    for image in images:
        catalogue.add(make_line(["shoes"], id="again", **{"source-ref": image}))
    halves = {"splits": {"train": 50, "eval": 50}}
    digest = check(catalogue.write(), catalogue.taxonomy, DataConfig(**halves)).digest
    outputs = ingest(catalogue, tmp_path, digest=digest, write=False, **halves)
    found = [e for split in read_examples(outputs["examples"]).values() for e in split]
    (kept,) = [each for each in found if value(each, "product_id") == b"again"]
    assert value(kept, "image_source") == images[1].encode()
    rejects = {(each.line, each.reason) for each in read_rejects(outputs["rejects"].uri)}
    assert rejects == {(21, "missing_image"), (23, "repeated_id")}
