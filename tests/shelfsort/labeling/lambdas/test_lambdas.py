import io
import json
import math
import subprocess
import sys
import zipfile

import fsspec
import pytest

from shelfsort.labeling.lambdas import post_annotation, pre_annotation
from shelfsort.labeling.lambdas.archive import HANDLERS, lambda_archive
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.parsing import parse_record, read_record

ARN = "arn:aws:sagemaker:us-east-1:111111111111:labeling-job/shelf"
VERSION = {"version": "2018-10-06", "labelingJobArn": ARN}


def answer(worker, content):
    return {"workerId": worker, "annotationData": {"content": content}}


def product(*annotations, number="0"):
    shown = {"source-ref": "s3://b/mug.jpg", "title": "Mug"}
    return {"datasetObjectId": number, "dataObject": shown, "annotations": list(annotations)}


def label_of(*annotations):
    (found,) = post_annotation.consolidated([product(*annotations)], "shelf")
    return found["consolidatedAnnotation"]["content"]["shelf"]


def test_workers_see_the_product_and_neither_labels_nor_gold():
    line = {
        "source-ref": "s3://b/mug.jpg",
        "id": "1",
        "title": "Mug",
        "description": "",
        "price": 4.5,
        "gold": "A",
        "shelf": {"result": {"shelf": "A"}},
    }
    assert pre_annotation.handler({**VERSION, "dataObject": line}) == {
        "taskInput": {"image": "s3://b/mug.jpg", "title": "Mug", "price": 4.5},
        "isHumanAnnotationRequired": "true",
    }


@pytest.mark.parametrize("line", [{}, {"gold": "A"}, {"title": "  "}, None, "x", {"title": [1]}])
def test_a_line_with_nothing_to_show_is_asked_of_nobody(line):
    answered = pre_annotation.handler({**VERSION, "dataObject": line})
    assert answered == {"taskInput": {}, "isHumanAnnotationRequired": "false"}


def test_every_answer_is_kept_and_the_majority_is_the_label():
    content = {
        "label": "A > B",
        "category": "b",
        "image_problem": "yes",
        "seconds": "4.5",
        "comment": "",
    }
    assert label_of(
        answer("w1", json.dumps(content)),
        answer("w2", json.dumps({"crowd": {"label": "A > B"}})),
        answer("w3", json.dumps({"label": "C"})),
    ) == {
        "workers": [
            {"worker_id": "w1", "label": "A > B", "image_problem": "yes", "seconds": 4.5},
            {"worker_id": "w2", "label": "A > B"},
            {"worker_id": "w3", "label": "C"},
        ],
        "confidence": pytest.approx(2 / 3),
        "result": {"shelf": "A > B"},
        "labeledContent": {"source-ref": "s3://b/mug.jpg", "title": "Mug"},
    }


MALFORMED = [
    None,
    7,
    [],
    {},
    answer("w", None),
    answer("w", "{not json"),
    answer("w", "[" * 100_000),
    answer("w", '{"label": NaN, "x": Infinity}'),
    answer("w", '{"label": ["A", "B"]}'),
    answer({"odd": 1}, '{"no": {"label": 3}}'),
    {"workerId": "w", "annotationData": "text"},
]


@pytest.mark.parametrize("bad", MALFORMED, ids=range(len(MALFORMED)))
def test_one_malformed_answer_loses_no_other(bad):
    good = answer("w1", '{"label": "A", "score": NaN}')
    found = label_of(bad, good)
    assert [each["label"] for each in found["workers"]] == ["", "A"]
    assert found["result"] == {"shelf": "A"}
    assert "answer" in found["workers"][0]
    # AWS Lambda refuses an answer that is not JSON, which would lose the whole batch.
    json.dumps(found, allow_nan=False)


def test_a_tie_and_no_answer_have_no_result():
    tied = label_of(answer("w1", '{"label": "A"}'), answer("w2", '{"label": "B"}'))
    assert (tied["result"], tied["confidence"]) == ({}, 0.5)
    assert label_of()["result"] == {}


def test_the_output_is_a_line_that_a_run_reads():
    found = label_of(answer("w1", '{"label": "A"}'), answer("w2", '{"label": "A"}'))
    line = {"id": "1", "shelf": found, "shelf-metadata": {"type": "groundtruth/custom"}}
    read = read_record(Line(1, json.dumps({"title": "Mug", **line}).encode()))
    annotations = parse_record(read, "shelf").annotations
    assert [each.worker for each in annotations.answers] == ["w1", "w2"]
    assert (annotations.result, annotations.confidence) == ("A", 1.0)


@pytest.mark.slow
def test_the_payload_is_read_from_s3(s3_bucket):
    place = f"{s3_bucket}/a folder/50% #1.json"
    payload = [product(answer("w1", '{"label": "A"}'), number="7"), "odd"]
    with fsspec.open(place, "w") as stream:
        stream.write(json.dumps(payload))
    event = {**VERSION, "labelAttributeName": "shelf", "payload": {"s3Uri": place}}
    (found,) = post_annotation.handler(event)
    assert found["datasetObjectId"] == "7"
    assert found["consolidatedAnnotation"]["content"]["shelf"]["result"] == {"shelf": "A"}


def test_a_payload_that_is_no_list_stops_the_batch():
    with pytest.raises(ValueError, match="no list"):
        post_annotation.consolidated({"annotations": math.pi}, "shelf")


def test_the_archive_runs_without_any_package(tmp_path):
    archive = tmp_path / "lambdas.zip"
    archive.write_bytes(lambda_archive())
    assert lambda_archive() == archive.read_bytes()
    assert len(zipfile.ZipFile(io.BytesIO(lambda_archive())).namelist()) == 6
    code = (
        "import importlib, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "for handler in sys.argv[2:]:\n"
        "    module, _, name = handler.rpartition('.')\n"
        "    assert callable(getattr(importlib.import_module(module), name))\n"
        "print(sorted(name for name in sys.modules if name.startswith('shelfsort'))[0])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(archive), *HANDLERS.values()],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.strip() == "shelfsort"
