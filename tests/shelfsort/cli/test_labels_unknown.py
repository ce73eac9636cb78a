"""Labels that are no category of the tree: gold is refused, answers are named and counted."""

import json

import pytest
from click.testing import CliRunner

from shelfsort.cli.labels.command import labels
from shelfsort.core.errors import InputError


def run(*arguments):
    return CliRunner().invoke(labels, [*map(str, arguments)])


@pytest.fixture
def tree(tmp_path):
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(["Kitchen > Mugs", "Kitchen > Bowls", "Shoes"]))
    return path


@pytest.fixture
def answers(tmp_path):
    """Writes a table of answers by two workers."""

    def write(*given):
        path = tmp_path / "answers.csv"
        rows = [f"p{n},{by},{label}\n" for n, label in enumerate(given) for by in ("ann", "bob")]
        path.write_text("task,worker,label\n" + "".join(rows))
        return path

    return write


def job(tmp_path, gold):
    path = tmp_path / "job.manifest"
    workers = [{"worker_id": by, "label": "Mugs"} for by in ("ann", "bob")]
    line = {"id": "p0", "gold": gold, "shelf": {"workers": workers}}
    path.write_text(json.dumps({**line, "shelf-metadata": {"type": "groundtruth/custom"}}) + "\n")
    return path


@pytest.mark.parametrize("command", ["evaluate", "consolidate"])
def test_gold_that_is_no_category_is_refused_with_its_line_and_the_nearest(
    command, answers, tree, tmp_path
):
    gold = tmp_path / "gold.csv"
    gold.write_text("task,gold\np0,Mugs\np1,Bowlz\n")
    refused = run(command, answers("Mugs", "Bowls"), "--gold", gold, "--taxonomy", tree).exception
    assert isinstance(refused, InputError)
    assert str(refused).startswith(f"{gold}:3: ")
    assert "'Bowlz'" in str(refused) and "'Bowls'" in str(refused)


def test_gold_of_a_line_that_is_no_category_is_refused_and_another_spelling_counts(tree, tmp_path):
    refused = run("evaluate", job(tmp_path, "Mugz"), "--taxonomy", tree).exception
    assert isinstance(refused, InputError)
    assert str(refused).startswith(f"{tmp_path}/job.manifest:1: ") and "'Mugs'" in str(refused)
    result = run("evaluate", job(tmp_path, "Kitchen>Mugs"), "--taxonomy", tree, "--json")
    right = json.loads(result.stdout)["jobs"][0]["right"]
    assert (right["count"], right["n"]) == (1, 1)


def test_gold_questions_that_are_no_category_are_refused(tree, tmp_path):
    gold = tmp_path / "gold.csv"
    gold.write_text("task,gold\np0,Mugz\n")
    options = ("--taxonomy", tree, "--gold", gold, "--output", tmp_path / "next.manifest")
    refused = run("next", job(tmp_path, "Mugs"), *options).exception
    assert isinstance(refused, InputError) and str(refused).startswith(f"{gold}:2: ")


def test_the_first_unknown_answer_is_named_with_the_nearest_category(answers, tree):
    known = ["Mugs"] * 20
    result = run("consolidate", answers(*known, "Bowlz"), "--taxonomy", tree)
    (line,) = [each for each in result.stdout.splitlines() if "the first unknown_label" in each]
    for named in ("'Bowlz'", "'Bowls'", "'ann'", "'p20'"):
        assert named in line
    assert "Warning" not in result.stderr


@pytest.mark.parametrize("command", ["consolidate", "evaluate", "next", "auto"])
def test_a_tree_that_has_no_answer_is_refused(command, tmp_path):
    path, tree, out = job(tmp_path, ""), tmp_path / "other.json", tmp_path / "out.manifest"
    tree.write_text(json.dumps(["Garden > Hoses", "Garden > Rakes", "Musg"]))
    options = [] if command == "evaluate" else ["--output", out]
    refused = run(command, path, "--taxonomy", tree, *options).exception
    assert isinstance(refused, InputError)
    assert str(refused).startswith(f"{tree}: no answer of {path} is a category")
    assert "'Mugs'" in str(refused) and "'Musg'" in str(refused)
    assert not out.exists()


@pytest.mark.parametrize("command", ["consolidate", "evaluate"])
def test_people_who_cannot_tell_do_not_make_a_tree_another_one(command, answers, tree):
    path = answers("cannot tell", "cannot tell")
    assert "of this tree" not in str(run(command, path, "--taxonomy", tree, "--json").exception)


def test_many_unknown_answers_give_a_warning_with_their_number(answers, tree):
    result = run("consolidate", answers("Mugs", "Hats", "Caps"), "--taxonomy", tree, "--json")
    assert "Warning: 4 of 6 answers" in result.stderr and "'Hats'" in result.stderr
    assert "'Hats'" in json.loads(result.stdout)["first_unknown"]
    assert not run("consolidate", answers("Mugs", "Hats")).stderr
