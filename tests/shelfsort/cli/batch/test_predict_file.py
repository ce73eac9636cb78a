"""A file of products in, a file of answers out: one row for each row, whatever is in it."""

import csv
import json
from types import SimpleNamespace

import grpc
import pytest
from pyarrow import parquet

from shelfsort.cli import main as cli
from shelfsort.cli.batch.predict import Job, predict_file
from shelfsort.client import Classifier
from shelfsort.client.classifier import ServerError
from shelfsort.client.each import answer_each
from shelfsort.client.messages import Row
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.products.tables.rows import Reading
from tests.fixtures.fake_server import answer_by_title

ROWS = [
    ("1", "mugs", "9.5", "1.jpg"),
    ("2", "bowls", "gratis", "gone.jpg"),
    ("3", "", "", "gone.jpg"),
    ("4", "thing", "-2", ""),
    ("5", "", "", ""),
]


@pytest.fixture
def table(tmp_path, make_picture):
    (tmp_path / "1.jpg").write_bytes(make_picture())
    path = tmp_path / "products.csv"
    path.write_text("\n".join(map(",".join, [("id", "title", "price", "image"), *ROWS])) + "\n")
    return path


@pytest.fixture
def answered(fake, table, tmp_path):
    """Answers the table into a file of this suffix: the outcome and its path."""

    def run(suffix="jsonl", ask=None, how=None):
        output = tmp_path / f"answers.{suffix}"
        with Classifier(fake.address) as classifier:
            job = Job(str(table), str(output), how or Reading(), "model 3")
            return predict_file(job, ask or classifier.ask, lambda _: None), output

    return run


def test_each_row_has_its_answer_or_the_reason_why_not(answered):
    outcome, output = answered()
    found = [json.loads(line) for line in output.read_text().splitlines()]
    assert [each["id"] for each in found] == ["1", "2", "3", "4", "5"]
    assert [each["row"] for each in found] == [2, 3, 4, 5, 6]
    assert [each["category"] for each in found] == ["mugs", "bowls", None, "mugs", None]
    assert [each["left_out"] for each in found] == [
        None,
        "price; image: No such file or directory",
        "image: No such file or directory",
        "price",
        None,
    ]
    assert found[2]["error"] == "image: No such file or directory"
    assert found[4]["error"].startswith("no_content")
    assert (outcome.rows, outcome.errors, outcome.left_out) == (5, 2, 2)
    assert outcome.accepted["accepted_95"] == 2
    assert outcome.first_error.endswith("products.csv:4: image: No such file or directory")


def test_a_category_in_the_data_is_not_looked_at(answered, table):
    table.write_text('title,category\nmugs,"[1"\nbowls,\n')
    outcome, _ = answered()
    assert (outcome.rows, outcome.errors) == (2, 0)


def test_answers_may_be_a_table(answered):
    _, output = answered("csv")
    with output.open(newline="") as stream:
        found = list(csv.DictReader(stream))
    assert [each["category"] for each in found] == ["mugs", "bowls", "", "mugs", ""]
    assert found[0]["accepted_95"] == "true"
    assert json.loads(found[0]["top"])[0] == {"category": "mugs", "score": pytest.approx(0.7)}


def test_answers_do_not_take_the_place_of_the_products(answered, table):
    before = table.read_bytes()
    (table.parent / "answers.csv").symlink_to(table)
    with pytest.raises(InputError, match="is the input"):
        answered("csv")
    assert table.read_bytes() == before
    assert list(table.parent.glob(".answers*")) == []


def test_an_id_that_begins_as_a_formula_is_a_text_in_a_table_and_exact_elsewhere(answered, table):
    id_ = "=HYPERLINK(1)"
    table.write_text(f"id,title\n{id_},mugs\n")
    _, output = answered("csv")
    with output.open(newline="") as stream:
        assert [each["id"] for each in csv.DictReader(stream)] == [f"'{id_}"]
    _, output = answered("jsonl")
    assert json.loads(output.read_text())["id"] == id_


def test_answers_may_be_parquet_with_types(answered):
    _, output = answered("parquet")
    found = parquet.read_table(output).to_pydict()
    assert found["row"] == [2, 3, 4, 5, 6]
    assert found["score"][0] == pytest.approx(0.7) and found["score"][2] is None
    assert found["accepted_95"] == [True, True, None, False, None]


def test_a_run_that_was_stopped_goes_on(answered, fake, table):
    table.write_text("title\n" + "mugs\n" * 200)
    asked = []

    def failing(rows):
        if len(asked) >= 64:
            raise ServerError("no server answers", grpc.StatusCode.UNAVAILABLE)
        asked.extend(rows)
        with Classifier(fake.address) as classifier:
            return classifier.ask(rows)

    with pytest.raises(RunFailed, match=r"of 200 rows are answered; the same command goes on"):
        answered(ask=failing)
    outcome, output = answered()
    assert 0 < outcome.resumed < 200
    assert (outcome.rows, outcome.errors) == (200, 0)
    assert len(output.read_text().splitlines()) == 200
    assert list(output.parent.glob(".answers*")) == []


def test_other_data_is_answered_from_its_first_row(answered, table):
    def failing(rows):
        raise ServerError("no server answers", grpc.StatusCode.UNAVAILABLE)

    with pytest.raises(RunFailed):
        answered(ask=failing)
    table.write_text("title\nmugs\n")
    outcome, _ = answered()
    assert (outcome.rows, outcome.resumed) == (1, 0)


def test_a_torn_last_record_is_answered_again(answered, table, tmp_path):
    table.write_text("title\n" + "mugs\n" * 40)

    def once(rows, calls=[]):  # noqa: B006 - counts the calls
        calls.append(rows)
        if len(calls) > 1:
            raise ServerError("gone", grpc.StatusCode.UNAVAILABLE)
        return answered_rows(rows)

    def answered_rows(rows):
        from shelfsort.client import messages

        return messages.answers(
            answer_by_title(messages.request(rows, "shelfsort", None, None)), len(rows)
        )

    with pytest.raises(RunFailed):
        answered(ask=once)
    journal = tmp_path / ".answers.jsonl.partial"
    journal.write_bytes(journal.read_bytes() + b'{"file": "torn')
    _, output = answered()
    assert len(output.read_text().splitlines()) == 40


def test_two_commands_do_not_write_the_same_answers(answered):
    def meanwhile(rows):
        with pytest.raises(InputError, match="another command is writing these answers"):
            answered()
        raise ServerError("gone", grpc.StatusCode.UNAVAILABLE)

    with pytest.raises(RunFailed):
        answered(ask=meanwhile)
    outcome, _ = answered()
    assert outcome.rows == 5


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_half_a_surrogate_pair_in_an_id_is_a_question_mark(answered, table, tmp_path, suffix):
    table.unlink()
    manifest = tmp_path / "products.csv"
    manifest.mkdir()
    (manifest / "a.jsonl").write_text('{"id": "\\ud800", "title": 7}\n{"id": "b", "title": "x"}\n')
    outcome, output = answered(suffix)
    assert outcome.rows == 2
    assert b"?" in output.read_bytes()


def test_a_row_that_the_model_refuses_costs_only_its_own_answer():
    def ask(rows):
        if any(row.image == b"broken" for row in rows):
            raise ServerError("cannot be decoded", grpc.StatusCode.INVALID_ARGUMENT)
        return [SimpleNamespace(title=row.title, error="") for row in rows]

    rows = [Row(str(n).encode(), b"", b"broken" if n == 37 else b"", -1.0) for n in range(100)]
    found = answer_each(ask, rows)
    assert [n for n, each in enumerate(found) if isinstance(each, ServerError)] == [37]
    assert [each.title for each in found if not isinstance(each, ServerError)] == [
        row.title for row in rows if row.image == b""
    ]


def test_a_product_whose_image_the_model_refuses_is_answered_from_its_words(answered, fake):
    def ask(rows):
        if any(row.image for row in rows):
            raise ServerError("cannot be decoded", grpc.StatusCode.INVALID_ARGUMENT)
        with Classifier(fake.address) as classifier:
            return classifier.ask(rows)

    outcome, output = answered(ask=ask)
    first = json.loads(output.read_text().splitlines()[0])
    assert (first["category"], first["left_out"]) == ("mugs", "image: cannot be decoded")
    assert (outcome.errors, outcome.left_out) == (2, 3)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--title", "x"], "--address"),
        (["--address", "h:1", "--model-folder", "m", "--title", "x"], "--model-folder"),
        (["--address", "h:1", "--data", "p.csv"], "--output"),
        (["--address", "h:1", "--data", "p.csv", "--output", "a.csv", "--title", "x"], "--data"),
        (["--address", "h:1", "--data", "p.csv", "--output", "a.txt"], ".parquet"),
        (["--model-folder", "nowhere", "--title", "x"], "nowhere: no model"),
    ],
)
def test_options_that_do_not_fit_are_refused(arguments, named, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["shelfsort", "predict", *arguments])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 2
    assert named in capsys.readouterr().err


def test_the_command_writes_the_file_and_sums_up(fake, table, tmp_path, monkeypatch, capsys):
    output = tmp_path / "a.csv"
    arguments = ["--address", fake.address, "--data", str(table), "--output", str(output)]
    monkeypatch.setattr("sys.argv", ["shelfsort", "predict", *arguments])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 0
    said = capsys.readouterr().err
    assert f"5 rows in {output}: 3 answered" in said
    assert "2 not answered; the first: " in said
