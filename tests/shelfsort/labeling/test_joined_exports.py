import json

import pytest

from shelfsort.core.errors import InputError
from shelfsort.core.files import write_bytes
from shelfsort.labeling.joined_exports import read_exports


def task(product, worker, path, *others):
    choice = {"from_name": "category", "type": "taxonomy", "value": {"taxonomy": [path]}}
    annotation = {"completed_by": worker, "result": [choice, *others], "lead_time": 2.0}
    return {"id": 1, "data": {"id": product, "title": product}, "annotations": [annotation]}


def export(path, *tasks):
    path.write_text(json.dumps(tasks))
    return str(path)


def test_the_answers_of_several_projects_are_joined_by_product(tmp_path):
    one = export(tmp_path / "1.json", task("p", 1, ["A", "B"]), task("q", 1, ["C"]))
    two = export(tmp_path / "2.json", task("p", 2, ["A", "B"]), task("p", 1, ["C"]))
    found = read_exports([one, two])
    assert [each["worker_id"] for each in found.entries["p"]] == ["1", "2", "1"]
    assert [each["label"] for each in found.entries["p"]] == ["A > B", "A > B", "C"]
    assert found.answers == 4
    assert found.counts["repeated_answer"] == 1


def test_remarks_are_kept_beside_the_label(tmp_path):
    others = (
        {"from_name": "image_problem", "value": {"choices": ["The image does not load"]}},
        {"from_name": "comment", "value": {"text": ["Blurred", "and dark"]}},
        "odd",
    )
    found = read_exports([export(tmp_path / "1.json", task("p", 1, ["A"], *others))])
    assert found.entries["p"] == [
        {
            "image_problem": "yes",
            "comment": "Blurred\nand dark",
            "worker_id": "1",
            "label": "A",
            "seconds": 2.0,
        }
    ]


def test_exports_that_name_products_in_two_ways_are_not_joined(tmp_path):
    one = export(tmp_path / "1.json", task("p", 1, ["A"]))
    other = tmp_path / "responses.jsonl"
    answers = [{"workerId": "w", "answerContent": {"label": "A"}}]
    other.write_text(json.dumps({"datasetObjectId": "0", "answers": answers}) + "\n")
    with pytest.raises(InputError, match="names products otherwise"):
        read_exports([one, str(other)])


@pytest.mark.slow
def test_the_answers_that_a_job_left_in_s3_are_read_from_there(s3_bucket):
    folder = f"{s3_bucket}/jobs/shelf-1/output/shelf-1/annotations/worker-response"
    for line, label in (("0", "A"), ("1", "B")):
        answers = [{"workerId": "w", "answerContent": {"label": label, "seconds": "2.5"}}]
        content = json.dumps({"answers": answers}).encode()
        write_bytes(f"{folder}/iteration-1/{line}/2026-01-15_09:00:00.json", content)
    found = read_exports([folder])
    assert found.by_line
    assert found.entries["1"] == [{"worker_id": "w", "label": "B", "seconds": 2.5}]
