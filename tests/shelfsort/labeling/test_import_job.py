import json

import pytest
from click.testing import CliRunner

from shelfsort.cli.labels.command import labels
from shelfsort.core.errors import InputError
from shelfsort.labeling.import_job import read_export, write_import
from shelfsort.labeling.queue.log import AnswerLog
from shelfsort.labeling.queue.records import Record
from shelfsort.products.manifest.annotations import read_annotations

PRODUCTS = [{"id": "p", "title": "P", "deep": {"x": 1}}, {"id": "q", "title": "Q"}]


def written(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def products(tmp_path):
    return lines(tmp_path / "products.manifest", PRODUCTS)


def imported(source, output, products="", **settings):
    found = read_export(str(source), **settings)
    write_import(found, str(output), "shelf", str(products))
    return found, written(output)


def response(number, *answers, **others):
    given = [
        {
            "workerId": worker,
            "answerContent": content,
            "submissionTime": "2026-01-15T09:00:00Z",
        }
        for worker, content in answers
    ]
    return {"datasetObjectId": number, "answers": given, **others}


def test_ground_truth_responses_join_the_lines_of_the_jobs_input(tmp_path, products):
    source = lines(
        tmp_path / "responses.jsonl",
        [
            response("1", ("w1", {"crowd-image-classifier": {"label": "A > B"}})),
            response("0", ("w1", {"label": "C"}), ("w2", {"crowd-x": {"labels": ["D"]}})),
        ],
    )
    found, out = imported(source, tmp_path / "out.manifest", products)
    assert found.answers == 3
    assert [line["id"] for line in out] == ["p", "q"]
    assert out[0]["deep"] == {"x": 1}
    assert [entry["label"] for entry in out[0]["shelf"]["workers"]] == ["C", "D"]
    assert out[1]["shelf"]["workers"] == [
        {"submitted": "2026-01-15T09:00:00Z", "worker_id": "w1", "label": "A > B"}
    ]
    assert +found.counts == {}


def test_the_folder_of_a_job_names_products_by_its_folders(tmp_path, products):
    for iteration, number, worker in (("1", "0", "x"), ("2", "0", "y"), ("1", "1", "x")):
        file = tmp_path / "worker-response" / f"iteration-{iteration}" / number / "t.json"
        file.parent.mkdir(parents=True)
        content = response(0, (worker, {"shelf": {"choice": "A", "sure": "no"}}))
        del content["datasetObjectId"]
        file.write_text(json.dumps(content))
    folder = tmp_path / "worker-response"
    _, out = imported(folder, tmp_path / "out.manifest", products, field="choice")
    assert [len(line["shelf"]["workers"]) for line in out] == [2, 1]
    assert out[0]["shelf"]["workers"][1]["label"] == "A"


def test_an_answer_without_one_label_is_kept_in_full_and_loses_no_other(tmp_path):
    content = {"boxes": [1, 2], "size": 3}
    source = lines(tmp_path / "r.jsonl", [response("0", ("x", content), ("y", {"label": "A"}))])
    found, (line,) = imported(source, tmp_path / "out.manifest")
    assert found.counts["unreadable_answer"] == 1
    bad, good = line["shelf"]["workers"]
    assert (bad["answer"], bad["label"], good["label"]) == (content, "", "A")


def task(id_, *annotations, **data):
    given = [
        {"completed_by": by, "result": [{"value": value}], "lead_time": 2.5}
        for by, value in annotations
    ]
    return {"id": id_, "data": data, "annotations": given}


def test_label_studio_copies_of_a_product_are_joined(tmp_path):
    path = {"taxonomy": [["A", "B"]]}
    tasks = [
        task(11, (1, path), id="p", title="P", image="x.jpg"),
        task(12, ({"id": 2, "email": "someone@example.org"}, {"choices": ["C"]}), id="p"),
        task(13, (1, {"choices": ["C", "D"]}), id="q", title="Q"),
    ]
    tasks[2]["annotations"].append({"completed_by": 2, "was_cancelled": True, "result": []})
    source = tmp_path / "export.json"
    source.write_text(json.dumps(tasks))
    found, out = imported(source, tmp_path / "out.manifest")
    assert (out[0]["id"], out[0]["title"], out[0]["source-ref"]) == ("p", "P", "x.jpg")
    assert out[0]["shelf"]["workers"] == [
        {"worker_id": "1", "label": "A > B", "seconds": 2.5},
        {"worker_id": "2", "label": "C", "seconds": 2.5},
    ]
    assert found.counts["unreadable_answer"] == 2
    assert "example.org" not in (tmp_path / "out.manifest").read_text()


def test_what_does_not_join_is_counted_and_kept(tmp_path, products):
    source = tmp_path / "answers.csv"
    source.write_text("task,worker,label\np,x,A\np,x,B\nz,x,A\n")
    found, out = imported(source, tmp_path / "out.manifest", products)
    assert +found.counts == {"repeated_answer": 1, "unanswered_product": 1, "unknown_product": 1}
    assert out[1] == PRODUCTS[1]
    assert (out[2]["id"], len(out[2]["shelf"]["workers"])) == ("z", 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "neither worker responses"),
        ('[{"data": {}, "annotations": []}, 3]', "task 2"),
        ("[1", "Expecting"),
        ('[{"data": {}, "annotations": []}]', "no answer"),
    ],
)
def test_an_export_that_is_none_is_refused(tmp_path, content, said):
    source = tmp_path / "export.json"
    source.write_text(content)
    with pytest.raises(InputError, match=said):
        read_export(str(source))


def test_answers_never_replace_a_label_that_is_there(tmp_path, products):
    source = tmp_path / "answers.csv"
    source.write_text("task,worker,label\np,x,A\n")
    lines(products, [{**PRODUCTS[0], "shelf": 1}])
    with pytest.raises(InputError, match=r"products.manifest:1: has 'shelf' already"):
        imported(source, tmp_path / "out.manifest", products)
    assert not (tmp_path / "out.manifest").exists()


MARKS = 'task,worker,label,right\np,report,"B > D",model\nq,report,"A > C",label\n'


@pytest.mark.parametrize("form", ["manifest", "csv"])
def test_marks_of_a_report_correct_the_labels_that_products_have(tmp_path, form):
    (tmp_path / "marks.csv").write_text(MARKS)
    data = tmp_path / f"labelled.{form}"
    if form == "csv":
        data.write_text("id,title,category\np,P,A > C\nq,Q,A > C\nr,R,A > C\n")
        attribute = "category"
    else:
        attribute = "shelf"
        label = {"shelf": {"workers": [{"worker_id": "w", "label": "A > C"}], "deep": 1}}
        metadata = {"shelf-metadata": {"type": "groundtruth/custom", "job-name": "j"}}
        lines(data, [{"id": each, "title": each, **label, **metadata} for each in "pqr"])
    output = tmp_path / "out.manifest"
    arguments = ["import", str(tmp_path / "marks.csv"), "--correct", "--products", str(data)]
    result = CliRunner().invoke(labels, [*arguments, "--output", str(output)])
    assert result.exit_code == 0
    assert "confirmed_label: 1" in result.output
    assert "corrected_label: 1" in result.output
    found = {line["id"]: line for line in written(output)}
    said = {name: read_annotations(line, attribute) for name, line in found.items()}
    told = {
        name: each.result or [answer.label for answer in each.answers]
        for name, each in said.items()
    }
    old = "A > C" if form == "csv" else ["A > C"]
    assert told == {"p": ["B > D"], "q": old, "r": old}
    assert [said[name].origin.is_evidence for name in "pqr"] == [False, True, True]
    if form == "manifest":
        assert found["q"]["shelf"]["deep"] == 1


def test_there_must_be_labels_to_correct(tmp_path, products):
    (tmp_path / "marks.csv").write_text(MARKS)
    for given in ([], ["--products", str(tmp_path)]):
        arguments = ["import", str(tmp_path / "marks.csv"), "--correct", *given, "--output", "x"]
        with pytest.raises(InputError, match="--correct: name the labelled manifest"):
            CliRunner().invoke(labels, arguments, standalone_mode=False, catch_exceptions=False)


def test_what_was_imported_is_consolidated(tmp_path, products):
    source = tmp_path / "answers.csv"
    source.write_text("task,worker,label\np,x,A\np,y,A\nq,x,B\nq,y,B\n")
    output = tmp_path / "out.manifest"
    arguments = ["import", str(source), "--products", str(products), "--output", str(output)]
    result = CliRunner().invoke(labels, arguments)
    assert result.output.startswith("2 products, 4 answers")
    final = tmp_path / "final.manifest"
    CliRunner().invoke(labels, ["consolidate", str(output), "--output", str(final)])
    assert [line["category"]["result"]["category"] for line in written(final)] == ["A", "B"]
    assert written(final)[0]["deep"] == {"x": 1}


def test_answers_of_the_labelling_page_join_products_of_every_form(tmp_path):
    log = AnswerLog(tmp_path / "answers.jsonl", print)
    for record in (
        Record("w-1", "more/b.png", "A", seconds=0.0, at=0),
        Record("w-1", "more/b.png", at=1, undo=True),
        Record("w-1", "more/b.png", "B > C", seconds=2.5, at=2),
        Record("w-2", "a.jpg", problem="image", at=3),
        Record("w-2", "more/b.png", "cannot tell", at=4),
        Record("w-2", "gone.jpg", "A", at=5),
    ):
        log.append(record)
    log.close()
    (tmp_path / "photos" / "more").mkdir(parents=True)
    for name in ("a.jpg", "more/b.png", "c.gif"):
        (tmp_path / "photos" / name).write_bytes(b"")
    found, out = imported(
        tmp_path / "answers.jsonl", tmp_path / "out.manifest", tmp_path / "photos"
    )
    assert [(line["id"], line.get("source-ref")) for line in out] == [
        ("a.jpg", "photos/a.jpg"),
        ("c.gif", "photos/c.gif"),
        ("more/b.png", "photos/more/b.png"),
        ("gone.jpg", None),
    ]
    assert out[0]["shelf"]["workers"] == [
        {
            "submitted": "1970-01-01T00:00:03Z",
            "image_problem": "yes",
            "worker_id": "w-2",
            "label": "",
        }
    ]
    assert [each["label"] for each in out[2]["shelf"]["workers"]] == ["B > C", "cannot tell"]
    assert out[2]["shelf"]["workers"][0]["seconds"] == 2.5
    assert +found.counts == {"image_problem": 1, "unanswered_product": 1, "unknown_product": 1}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", "sku,name,photo\n1,Mug,a.jpg\n"),
        ("p.jsonl", '{"sku": 1, "name": "Mug", "photo": "a.jpg", "deep": [1]}\n'),
        ("p.json", '[{"sku": 1, "name": "Mug", "photo": "a.jpg"}]'),
    ],
)
def test_a_catalogue_with_other_columns_becomes_lines_of_a_manifest(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    log = AnswerLog(tmp_path / "answers.jsonl", print)
    log.append(Record("w-1", "1", "A"))
    log.close()
    _, (line,) = imported(tmp_path / "answers.jsonl", tmp_path / "out.manifest", tmp_path / name)
    assert (str(line["id"]), line["title"], line["source-ref"]) == ("1", "Mug", "a.jpg")
    assert line.get("deep") == ([1] if name == "p.jsonl" else None)
    assert [each["label"] for each in line["shelf"]["workers"]] == ["A"]


def test_a_shops_own_table_without_workers_gives_the_catalogues_labels(tmp_path, products):
    source = tmp_path / "shop.csv"
    source.write_text("id,category,shelf no\np,A > B,7\nq,,8\n")
    found, out = imported(source, tmp_path / "out.manifest", products)
    assert {name: n for name, n in found.counts.items() if n} == {
        "catalogue_label": 1,
        "no_category": 1,
    }
    said = read_annotations(out[0], "shelf")
    assert (said.result, said.confidence, said.answers) == ("A > B", 1, ())
    assert (said.origin.source, said.origin.is_evidence) == ("catalogue", True)
    assert out[0]["shelf"]["row"] == {"shelf no": "7"}
    assert out[1] == {"id": "q", "title": "Q", "shelf no": "8"}


def test_lines_that_show_no_product_are_counted(tmp_path, products):
    source = tmp_path / "answers.jsonl"
    log = AnswerLog(source, print)
    for task in ("p", "q", "gone"):
        log.append(Record("w", task, "Hats", at=1))
    log.close()
    found, _ = imported(source, tmp_path / "bare.manifest")
    assert (found.counts["bare_line"], found.counts["unknown_product"]) == (3, 0)
    found, _ = imported(source, tmp_path / "out.manifest", products)
    assert (found.counts["bare_line"], found.counts["unknown_product"]) == (0, 1)
