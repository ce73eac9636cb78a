import json

import pytest
from click.testing import CliRunner

from shelfsort.cli.labels.command import labels
from shelfsort.core.errors import InputError
from shelfsort.labeling.chance import order_key
from shelfsort.labeling.queue.log import AnswerLog
from shelfsort.products.manifest.annotations import read_annotations

KINDS = ("mug", "plate", "hat")
N = 240
TRUTH = {f"p{n:03d}": KINDS[n % 3] for n in range(N)}
META = {"type": "groundtruth/custom", "human-annotated": "yes"}


def written(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def write(path, lines):
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return path


@pytest.fixture
def catalogue(tmp_path):
    lines = [
        {"id": id_, "title": f"{kind} number {id_}", "gold": kind} for id_, kind in TRUTH.items()
    ]
    return write(tmp_path / "catalogue.manifest", lines)


def run(*arguments):
    result = CliRunner().invoke(labels, list(map(str, arguments)), catch_exceptions=True)
    if result.exception is not None:
        raise result.exception
    return result.output


def asked(*arguments):
    return json.loads(run("next", *arguments, "--json"))


def answered(asked_lines, path):
    lines = []
    for line in asked_lines:
        names = line.get("asked-of") or [f"w{n}" for n in range(line["answers-wanted"])]
        workers = [{"worker_id": name, "label": TRUTH[line["id"]], "seconds": 2} for name in names]
        lines.append({**line, "shelf": {"workers": workers}, "shelf-metadata": META})
    return write(path, lines)


@pytest.fixture
def first(catalogue, tmp_path):
    output = tmp_path / "ask-1.manifest"
    asked(catalogue, "--answers", 120, "--output", output)
    return answered(written(output), tmp_path / "answers-1.manifest")


def test_a_folder_of_images_without_folders_is_a_catalogue(tmp_path, make_picture):
    photos, output = tmp_path / "photos", tmp_path / "ask.manifest"
    photos.mkdir()
    for n in range(5):
        (photos / f"{n}.jpg").write_bytes(make_picture())
    asked(photos, "--answers", 2, "--output", output)
    lines = written(output)
    assert sum(each["answers-wanted"] for each in lines) == 2
    assert all(each["source-ref"] == f"photos/{each['id']}" for each in lines)


def ids(path):
    return {line["id"] for line in written(path)}


def test_the_first_products_are_drawn_at_random_and_shown_without_labels(catalogue, tmp_path):
    output = tmp_path / "ask.manifest"
    report = asked(catalogue, "--answers", 100, "--output", output)
    assert report["next"] == {
        "answers": 100,
        "last": False,
        "lines_written": 50,
        "products": {"random": 50},
    }
    assert not any({"gold", "selected-by"} & set(line) for line in written(output))
    assert {line["answers-wanted"] for line in written(output)} == {2}


def test_later_products_say_what_chose_them_and_name_workers(catalogue, first, tmp_path):
    output = tmp_path / "ask-2.manifest"
    # So few products cannot prove a target of 99 %: all others stay open.
    report = asked(catalogue, first, "--answers", 40, "--target", 0.99, "--output", output)
    lines = written(output)
    assert sum(report["next"]["products"].values()) == len(lines)
    chosen = [line for line in lines if line.get("selected-by") == "expected-gain"]
    assert len(chosen) == report["next"]["products"]["expected-gain"] >= 32
    assert {name for line in lines for name in line["asked-of"]} == {"w0", "w1"}
    assert not ids(first) & ids(output)


def test_people_who_have_answered_are_named_and_asked_no_more(catalogue, first, tmp_path):
    others = [id_ for id_ in sorted(set(TRUTH) - ids(first)) if TRUTH[id_] != "hat"][:2]
    doubted = [{"id": id_, "answers-wanted": 2} for id_ in others]
    lines = written(answered(doubted, tmp_path / "doubt.manifest"))
    for line in lines:
        line["shelf"]["workers"][0]["label"] = "hat"
        # As an earlier round left it.
        line["asked-of"] = ["w0", "w1"]
    doubt = write(tmp_path / "doubt.manifest", lines)
    output = tmp_path / "ask-2.manifest"
    options = ("--target", 0.99, "--enough", 0.9999, "--answers", 400)
    asked(doubt, catalogue, first, *options, "--output", output)
    found = {line["id"]: line for line in written(output) if line["id"] in others}
    assert set(found) == set(others)
    for line in found.values():
        # Both workers have answered: somebody new is wanted.
        assert (line["answers-wanted"], line["answered-by"]) == (1, ["w0", "w1"])
        assert "asked-of" not in line


def test_a_gold_question_for_several_workers_is_one_line(catalogue, first, tmp_path):
    known = sorted(set(TRUTH) - ids(first))[:2]
    gold = tmp_path / "gold.csv"
    gold.write_text("task,gold\n" + "".join(f"{id_},{TRUTH[id_]}\n" for id_ in known))
    output = tmp_path / "ask.manifest"
    options = ("--gold", gold, "--gold-questions", 4, "--target", 0.99, "--answers", 20)
    asked(catalogue, first, *options, "--output", output)
    questions = [line for line in written(output) if line["id"] in known]
    assert [line["id"] for line in questions] == sorted(known, key=order_key)
    assert all(line["answers-wanted"] == 2 for line in questions)
    assert all(sorted(line["asked-of"]) == ["w0", "w1"] for line in questions)


def test_machine_labels_are_marked_and_only_random_products_are_evidence(
    catalogue, first, tmp_path
):
    other = sorted(set(TRUTH) - ids(first))[0]
    picked = answered(
        [{"id": other, "answers-wanted": 1, "selected-by": "expected-gain"}],
        tmp_path / "answers-2.manifest",
    )
    output = tmp_path / "labelled.manifest"
    report = json.loads(
        run("auto", catalogue, first, picked, "--target", 0.9, "--output", output, "--json")
    )
    assert report["labels"]["open"] == 0
    assert report["whole_set"]["wrong"] == 0
    lines = {line["id"]: line for line in written(output)}
    assert list(lines) == list(TRUTH)
    drawn = ids(first)
    for id_, line in lines.items():
        said = read_annotations(line, "shelf")
        expected = "people" if id_ in drawn else "assisted" if id_ == other else "machine"
        assert (said.result, said.origin.source) == (TRUTH[id_], expected)
        assert said.origin.is_evidence == (id_ in drawn)
        assert (line["shelf-metadata"]["human-annotated"] == "no") == (expected == "machine")
        assert 0.3 < line["shelf"]["confidence"] <= 1
    assert lines[other]["shelf-metadata"]["selected-by"] == "expected-gain"
    assert [each["seconds"] for each in lines[min(drawn)]["shelf"]["workers"]] == [2, 2]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_answers_without_their_product_do_not_say_that_chance_drew_it(
    catalogue, first, tmp_path, order
):
    other = sorted(set(TRUTH) - ids(first))[0]
    chosen = {"id": other, "title": "x", "answers-wanted": 2, "selected-by": "expected-gain"}
    # As an import writes the answers of an earlier batch that are in the page's file.
    bare = answered([{"id": other, "answers-wanted": 2}], tmp_path / "bare.manifest")
    lines = [
        {key: line[key] for key in ("id", "shelf", "shelf-metadata")} for line in written(bare)
    ]
    files = [answered([chosen], tmp_path / "picked.manifest"), write(bare, lines)]
    output = tmp_path / "labelled.manifest"
    run("auto", catalogue, first, *(files[place] for place in order), "--output", output)
    found = {line["id"]: line["shelf-metadata"] for line in written(output) if "shelf" in line}
    assert found[other]["selected-by"] == "expected-gain"
    run("auto", catalogue, first, bare, "--output", output)
    found = {line["id"]: line["shelf-metadata"] for line in written(output) if "shelf" in line}
    assert "selected-by" not in found[other]


def test_what_the_model_may_not_label_stays_unlabelled(catalogue, first, tmp_path):
    output = tmp_path / "labelled.manifest"
    run("auto", catalogue, first, "--target", 0.999, "--output", output)
    assert {line["id"] for line in written(output) if "shelf" in line} == ids(first)


def test_a_worker_who_fails_gold_questions_does_not_count(catalogue, first, tmp_path):
    bad = [id_ for id_ in sorted(ids(first)) if TRUTH[id_] != "hat"][:12]
    spam = {"workers": [{"worker_id": "spam", "label": "hat"}]}
    lines = [{"id": id_, "shelf": spam, "shelf-metadata": META} for id_ in bad]
    answers = write(tmp_path / "spam.manifest", lines)
    gold = tmp_path / "gold.csv"
    gold.write_text("task,gold\n" + "".join(f"{id_},{TRUTH[id_]}\n" for id_ in bad))
    output = tmp_path / "ask.manifest"
    options = ("--gold", gold, "--ban-below", 0.7, "--gold-questions", 3, "--target", 0.99)
    report = asked(catalogue, first, answers, *options, "--output", output)
    worst, *others = report["gold_workers"]
    assert (worst["name"], worst["right"], worst["asked"], worst["banned"]) == ("spam", 0, 12, True)
    assert not any(each["banned"] for each in others)
    assert not any("spam" in line.get("asked-of", ()) for line in written(output))
    # Both others have answered every gold question.
    assert not ids(output) & set(bad)
    assert "Stop paying spam: 0 of 12" in run("auto", catalogue, first, answers, *options[:4])


def test_gold_questions_look_like_all_others(catalogue, first, tmp_path):
    known = sorted(set(TRUTH) - ids(first))[:6]
    gold = tmp_path / "gold.csv"
    gold.write_text("task,gold\n" + "".join(f"{id_},{TRUTH[id_]}\n" for id_ in known))
    output = tmp_path / "ask.manifest"
    options = ("--gold", gold, "--gold-questions", 4, "--target", 0.99, "--answers", 20)
    asked(catalogue, first, *options, "--output", output)
    lines = written(output)
    questions = [line for line in lines if line["id"] in known]
    assert len(questions) == 4
    assert all(set(line) == {"id", "title", "answers-wanted", "asked-of"} for line in questions)
    assert lines[-4:] != questions


def test_scores_of_a_model_replace_the_titles(catalogue, first, tmp_path):
    scores = tmp_path / "scores.jsonl"
    write(scores, [{"id": id_, "scores": {kind: 1.0}} for id_, kind in TRUTH.items()])
    report = json.loads(
        run("auto", catalogue, first, "--scores", scores, "--target", 0.9, "--json")
    )
    assert report["labels"] == {"people": 60, "assisted": 0, "machine": 180, "open": 0}
    assert report["expected_accuracy"] > 0.98


def test_products_that_the_model_says_nothing_of_are_counted(catalogue, first, tmp_path):
    lines = [{"id": id_, "source-ref": f"{id_}.jpg"} for id_ in TRUTH]
    pictures = write(tmp_path / "pictures.manifest", [*lines[:-2], {"id": "x", "title": "A hat"}])
    report = asked(pictures, "--output", tmp_path / "ask.manifest")
    assert (report["products"], report["without_scores"]) == (N - 1, N - 2)
    said = run("next", pictures, "--output", tmp_path / "ask.manifest")
    assert f"{N - 2} products" in said and "--scores" in said
    scores = write(tmp_path / "scores.jsonl", [{"id": "x", "scores": {"hat": 1.0}}])
    given = ("--scores", scores, "--output", tmp_path / "ask.manifest")
    assert asked(pictures, *given)["without_scores"] == N - 2
    assert "scores.jsonl" in run("next", pictures, *given)
    report = asked(catalogue, first, "--output", tmp_path / "ask.manifest")
    assert report["without_scores"] == 0
    assert "Without" not in run("next", catalogue, first, "--output", tmp_path / "ask.manifest")


@pytest.mark.parametrize(
    "words",
    ["consolidate {}", "evaluate {}", "next {} --output x", "auto {}", "next {} . --output x"],
)
def test_the_pages_own_answers_are_to_be_imported_first(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    AnswerLog(tmp_path / "my answers.jsonl", print).close()
    arguments = [each.format("my answers.jsonl") for each in words.split()]
    with pytest.raises(InputError, match=r"labels import '\S*my answers\.jsonl' --products"):
        run(*arguments)


def test_faults_name_the_file_and_the_remedy(catalogue, tmp_path):
    with pytest.raises(InputError, match="no answers"):
        run("auto", catalogue, "--output", tmp_path / "x")
    with pytest.raises(InputError, match="is the input"):
        run("next", catalogue, "--output", catalogue)
    empty = write(tmp_path / "empty.manifest", [{"id": "a", "title": "x"}, {"price": 3}])
    with pytest.raises(InputError, match=r"empty\.manifest:2: "):
        run("next", empty, "--output", tmp_path / "x")
    with pytest.raises(SystemExit):
        run("next", catalogue, "--gold-questions", 3, "--output", tmp_path / "x")


def test_an_answer_that_two_manifests_have_counts_once(catalogue, first, tmp_path):
    again = write(tmp_path / "again.manifest", written(first)[:5])
    report = json.loads(run("auto", catalogue, first, again, "--json"))
    assert (report["answers"], report["oddities"]) == (120, {"repeated_line": 10})
    assert "repeated_line: 10" in run("auto", catalogue, first, again)


def test_answers_of_every_form_are_read(catalogue, tmp_path):
    given = [{"worker_id": "v", "label": 0}, {"worker_id": 7, "label": "mug"}, {"label": ""}]
    lines = [
        {"id": "p000", "shelf": {"workers": given}, "shelf-metadata": META},
        {"id": "p001", "shelf": "plate", "shelf-metadata": META},
        {"id": "p002", "shelf-metadata": {**META, "failure-reason": "timeout"}},
    ]
    path = write(tmp_path / "odd.manifest", lines)
    report = json.loads(run("auto", catalogue, path, "--json"))
    # The second line names no worker: its result counts as one answer.
    assert (report["answers"], report["workers"]) == (3, 2)


def test_a_table_is_a_catalogue_too(catalogue, first, tmp_path):
    table = tmp_path / "shop.csv"
    rows = [f"{line['id']},{line['title']}" for line in written(catalogue)]
    table.write_text("id,title\n" + "\n".join(rows) + "\n")
    output = tmp_path / "labelled.manifest"
    report = json.loads(run("auto", table, first, "--target", 0.9, "--output", output, "--json"))
    assert (report["products"], report["answers"], report["labels"]["open"]) == (N, 120, 0)
    assert [line["id"] for line in written(output)] == list(TRUTH)
