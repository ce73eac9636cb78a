import json

import pytest
from click.testing import CliRunner

from shelfsort.cli.labels.command import labels
from shelfsort.core.errors import InputError

CUSTOM = {"type": "groundtruth/custom"}


def consolidate(*arguments):
    return CliRunner().invoke(labels, ["consolidate", *map(str, arguments)], catch_exceptions=True)


def found(*arguments):
    result = consolidate(*arguments, "--json")
    assert result.exception is None, result.exception
    return json.loads(result.output)


def refused(*arguments):
    result = consolidate(*arguments)
    assert isinstance(result.exception, InputError), result.output
    return str(result.exception)


@pytest.fixture
def answers(tmp_path):
    rows = [("task", "worker", "label", "seconds", "iteration")]
    for task, given in {"1": "aab", "2": "bbb", "3": "aba"}.items():
        rows += [(task, f"w{n}", label, n + 1, "x") for n, label in enumerate(given)]
    path = tmp_path / "answers.csv"
    path.write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n")
    return path


@pytest.fixture
def manifest(tmp_path):
    lines = [
        {
            "id": name,
            "title": f"Product {name}",
            "kept": {"as": ["it", "is"]},
            "gold": given[0],
            "shelf": {
                "workers": [
                    {"worker_id": f"w{n}", "label": label} for n, label in enumerate(given)
                ],
                "confidence": 0.3,
            },
            "shelf-metadata": CUSTOM,
        }
        for name, given in {
            "p": ["A > B", "A > B", "A > C"],
            "q": ["A > B", "A > C", "A > D"],
            "r": ["cannot tell", "cannot tell", "A > B"],
        }.items()
    ]
    lines.append({"id": "s", "title": "Unlabelled"})
    path = tmp_path / "in.manifest"
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return path


def written(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_table_becomes_a_manifest_with_every_answer(answers, tmp_path):
    output = tmp_path / "out.manifest"
    report = found(answers, "--method", "majority", "--output", output)
    assert (report["tasks"], report["answers"], report["lines_written"]) == (3, 9, 3)
    assert report["outcomes"]["label"] == 3
    assert [worker["seconds"] for worker in report["workers"]] == [1, 2, 3]
    line = written(output)[0]
    assert line["id"] == "1"
    assert line["category"]["result"] == {"category": "a"}
    assert line["category"]["confidence"] == 0.666667
    last = {"worker_id": "w2", "label": "b", "seconds": 3.0, "iteration": "x"}
    assert line["category"]["workers"][2] == last


def test_a_manifest_keeps_every_line_and_field(manifest, tmp_path):
    output = tmp_path / "out.manifest"
    report = found(manifest, "--method", "majority", "--output", output)
    assert report["outcomes"] == {
        "label": 1,
        "inner_label": 1,
        "cannot_tell": 1,
        "no_consensus": 0,
    }
    assert report["oddities"] == {"no_answers": 1}
    before, after = written(manifest), written(output)
    assert after[3] == before[3]
    assert [line["shelf"]["result"] for line in after[:3]] == [
        {"shelf": "A > B"},
        {"shelf": "A"},
        {},
    ]
    for old, new in zip(before[:3], after[:3], strict=True):
        assert new["kept"] == old["kept"]
        assert new["shelf"]["workers"] == old["shelf"]["workers"]


def test_gold_and_scores_are_joined_by_id(manifest, tmp_path):
    scores = tmp_path / "scores.jsonl"
    rows = [
        {"id": "p", "scores": {"A > B": 1}},
        {"id": "q", "scores": {"A > C": 0.9, "A > B": 0.1}},
    ]
    scores.write_text("".join(json.dumps(row) + "\n" for row in rows))
    output = tmp_path / "out.manifest"
    report = found(manifest, "--scores", scores, "--gold", manifest, "--output", output)
    assert report["method"] == "model_assisted"
    assert report["gold"] == 3
    lines = written(output)
    assert lines[1]["shelf"]["result"] == {"shelf": "A > C"}
    assert lines[1]["shelf-metadata"]["label-source"] == "assisted"


def test_titles_take_the_place_of_scores(answers, tmp_path):
    kinds = ("mug", "hat")
    lines = [
        {
            "id": f"p{n:02}",
            "title": f"{kinds[n % 2]} number {n}",
            "shelf": {"workers": [{"worker_id": f"w{k}", "label": kinds[n % 2]} for k in range(2)]},
            "shelf-metadata": CUSTOM,
        }
        for n in range(40)
    ]
    # Two workers of one skill disagree, and the title decides.
    lines[0]["shelf"]["workers"][0]["label"] = "hat"
    path = tmp_path / "in.manifest"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    output = tmp_path / "out.manifest"
    assert found(path, "--scores", "titles", "--output", output)["method"] == "model_assisted"
    assert written(output)[0]["shelf"]["result"] == {"shelf": "mug"}
    assert "no titles" in refused(answers, "--scores", "titles")


def test_labels_are_resolved_in_a_tree(manifest, tmp_path):
    tree = tmp_path / "tree.json"
    leaves = [{"id": each.lower(), "name": each, "parent": "a"} for each in "BCD"]
    top = [{"id": "root", "name": "All"}, {"id": "a", "name": "A", "parent": "root"}]
    tree.write_text(json.dumps([*top, *leaves]))
    output = tmp_path / "out.manifest"
    found(manifest, "--taxonomy", tree, "--method", "majority", "--output", output)
    results = [line["shelf"]["result"] for line in written(output)[:2]]
    assert results == [{"shelf": "b"}, {"shelf": "a"}]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("task,label\n1,a\n", "answers.csv:2"),
        ("task,worker,label\n1,w,a\n2,,a\n", "answers.csv:3"),
        ("task,worker,label,seconds\n1,w,a,soon\n", "answers.csv:2"),
        ("task,worker,label\n1,w,a,b,c\n", "answers.csv:2"),
    ],
)
def test_a_bad_row_is_named(answers, text, place):
    answers.write_text(text)
    assert place in refused(answers)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"id": "p"}', "scores.jsonl:1: no scores"),
        ('{"id": "p", "scores": {"a": 0.4}}', "add up to 0.4"),
        ('{"id": "p", "scores": {"a": -1, "b": 2}}', "scores.jsonl:1: the score of 'a'"),
        ('{"id": "z", "scores": {"a": 1}}', "no task of"),
        ("{", "scores.jsonl:1: not_json"),
    ],
)
def test_bad_scores_are_named(manifest, tmp_path, row, said):
    path = tmp_path / "scores.jsonl"
    path.write_text(row + "\n")
    assert said in refused(manifest, "--scores", path)


def test_gold_that_contradicts_itself_is_refused(answers, tmp_path):
    gold = tmp_path / "gold.csv"
    gold.write_text("task,gold\n1,a\n1,b\n")
    assert "gold.csv:3" in refused(answers, "--gold", gold)


def test_the_output_must_find_its_images_and_not_be_the_input(manifest, tmp_path):
    assert "is the input" in refused(manifest, "--output", manifest)
    line = {**written(manifest)[0], "source-ref": "images/1.jpg"}
    manifest.write_text(json.dumps(line) + "\n")
    elsewhere = tmp_path / "other" / "out.manifest"
    assert "in.manifest:1" in refused(manifest, "--output", elsewhere)
    assert not elsewhere.exists()
    found(manifest, "--output", tmp_path / "beside.manifest")


def test_a_manifest_without_answers_is_refused(manifest):
    line = {"id": "p", "shelf": 0, "shelf-metadata": {"type": "groundtruth/image-classification"}}
    manifest.write_text(json.dumps(line) + "\n")
    assert "no line has workers' answers" in refused(manifest)


def test_the_text_names_method_outcomes_and_workers(answers):
    lines = consolidate(answers, "--method", "wawa").output.splitlines()
    assert lines[0] == "3 products, 9 answers that are not empty, 3 workers"
    assert lines[1].startswith("Method: wawa")
    assert any(line.split()[:3] == ["label", "3", "100.0%"] for line in lines)
    assert any(line.startswith("w0 ") for line in lines)


def evaluated(*arguments):
    result = CliRunner().invoke(labels, ["evaluate", *map(str, arguments), "--json"])
    assert result.exception is None, result.exception
    return json.loads(result.output)


def test_a_job_is_evaluated_against_the_gold_of_its_lines(manifest):
    lines = written(manifest)
    manifest.write_text("".join(json.dumps(each) + "\n" for each in lines[:2]))
    (job,) = evaluated(manifest, "--price", 0.5, "--fee", 1, "--project", 10)["jobs"]
    assert (job["products"], job["answers"], job["workers"]) == (2, 6, 3)
    assert job["consensus"]["count"] == job["right_of_consensus"]["count"] == 1
    assert (job["right"]["count"], job["right"]["n"]) == (1, 2)
    assert job["agreement"]["raw"] == pytest.approx(1 / 6)
    assert job["cost"]["spent"] == 5
    assert (job["cost"]["project_asked"], job["cost"]["project_usable"]) == (25, 50)


def test_answers_are_counted_by_what_they_say_and_cannot_tell_is_paid(tmp_path):
    path, output = tmp_path / "a.csv", tmp_path / "a.manifest"
    given = ["1,a,M", "1,b,cannot tell", "1,c,", "2,a,B", "2,b,B", "3,a,", "4,a,cannot tell"]
    path.write_text("\n".join(["task,worker,label", *given]) + "\n")
    call = ["import", str(path), "--output", str(output)]
    first, *_ = CliRunner().invoke(labels, call).output.splitlines()
    assert first == "4 products, 7 answers, empty ones included"
    for source in (path, output):
        assert found(source)["answers"] == 5
        (job,) = evaluated(source, "--price", 0.5)["jobs"]
        assert (job["answers"], job["cannot_tell"]) == (3, 2)
        assert job["cost"]["spent"] == 2.5
        said = CliRunner().invoke(labels, ["evaluate", str(source)]).output
        assert "3 answers that name a category, 2 that cannot tell" in said


def test_two_jobs_are_evaluated_side_by_side(answers, tmp_path):
    output = tmp_path / "out.manifest"
    found(answers, "--method", "majority", "--output", output)
    both = evaluated(answers, output)
    assert both["jobs"][0]["agreement"] == both["jobs"][1]["agreement"]
    assert both["between"][0]["same_label"]["count"] == 3
    text = CliRunner().invoke(labels, ["evaluate", str(answers), str(output)]).output
    assert "consensus: 3 of 3, 100.0% [29.2%, 100.0%]" in text
