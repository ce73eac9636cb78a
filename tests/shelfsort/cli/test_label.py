import json
import socket
import sys

import pytest
from click.testing import CliRunner

from shelfsort.cli import label as module
from shelfsort.cli.labels.command import labels
from shelfsort.core.errors import InputError
from shelfsort.labeling.queue.log import read_log
from shelfsort.labeling.queue.service import QueueSettings, TaskService


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A folder with products, a tree and gold; the current one."""
    (tmp_path / "products.csv").write_text("id,title\np,Mug\nq,Call +44 20 7946 0958\nq,again\n")
    (tmp_path / "tree.json").write_text(json.dumps(["Kitchen > Mugs", "Hats"]))
    (tmp_path / "gold.csv").write_text("id,gold\np,Mugs\nx,Hats\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(shop, monkeypatch):
    """Runs the command and stops it at once; returns its lines."""

    class AtOnce:
        def wait(self):
            pass

    monkeypatch.setattr(module, "EndingSignals", AtOnce)

    def called(words, data="--data products.csv --taxonomy tree.json --port 0"):
        arguments = f"--answers answers.jsonl {data} {words}".split()
        done = CliRunner().invoke(module.label, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output.splitlines()

    return called


def test_it_says_what_there_is_to_do_and_gives_each_person_a_link(call, shop):
    said = call("--person Ann --person Bob --gold gold.csv")
    assert said[0] == "2 products, 0 of 2 answers given"
    assert said[1].startswith("Left out: 1 lines") and "products.csv:4: repeated_id" in said[1]
    links = [line.split(": ", 1) for line in said if "?token=" in line]
    assert [name for name, _ in links] == ["  Ann", "  Bob"]
    assert all(link.startswith("http://127.0.0.1:") for _, link in links)
    assert len({link for _, link in links}) == 2
    assert said[-1].endswith("--products products.csv --output labelled.manifest")
    elsewhere = call("", data=f"--data {shop}/products.csv --taxonomy tree.json --port 0")
    assert elsewhere[-1] == said[-1].replace("products.csv", f"{shop}/products.csv")
    assert (shop / "answers.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "unfinished"),
    [
        ("--answers-each 2 --person Ann", "2"),
        ("--answers-each 2 --person Ann --person Bob", ""),
        ("--person Ann", ""),
    ],
)
def test_products_that_these_people_cannot_finish_are_counted(call, words, unfinished):
    warned = [line for line in call(words) if line.startswith("Warning")]
    assert [line.split()[1] for line in warned] == unfinished.split()
    assert all("--person" in line and "--answers-each" in line for line in warned)


def test_answers_of_people_who_are_gone_count_as_well(call, shop):
    service = TaskService(["p", "q"], QueueSettings(), shop / "answers.jsonl")
    service.answer(service.worker("Cleo"), "p", "Hats", "", 1)
    service.close()
    warned = [line for line in call("--answers-each 2 --person Ann") if "Warning" in line]
    assert [line.split()[1] for line in warned] == ["1"]


def test_lines_say_how_many_answers_they_want_and_of_whom(call, shop):
    lines = [
        {"id": "p", "title": "Mug", "answers-wanted": 1},
        {"id": "q", "title": "Cap", "answers-wanted": 2, "asked-of": ["Bob", "Cleo"]},
        {"id": "r", "title": "Hat"},
    ]
    ask = shop / "ask.manifest"
    ask.write_text("".join(json.dumps(line) + "\n" for line in lines))
    data = "--data ask.manifest --taxonomy tree.json --port 0"
    said = call("--person Ann --person Bob", data=data)
    # One, two and, by default, one of each person.
    assert said[0] == "3 products, 0 of 5 answers given"
    assert [line.split()[1] for line in said if "Warning" in line] == ["1"]
    ask.write_text(json.dumps({**lines[0], "answers-wanted": "two"}))
    with pytest.raises(InputError, match=r"ask\.manifest:1: answers-wanted is no number"):
        call("", data=data)


def test_a_public_page_is_confirmed_with_its_address(call):
    said = call("--host 0.0.0.0 --public https://label.example")
    assert [line.split("?")[0] for line in said if "?token=" in line] == [
        "  worker: https://label.example/"
    ]
    assert "Warning: 1 products hold an e-mail address or a telephone number." in said
    with pytest.raises(InputError, match="--public"):
        call("--host 0.0.0.0")


def test_what_is_missing_or_contradicts_is_named(call, shop):
    for given, missing in {
        "": "--data and --taxonomy",
        "--data products.csv": "--taxonomy",
        "--taxonomy tree.json": "--data",
    }.items():
        with pytest.raises(InputError, match=f"^{missing}: missing"):
            call("", data=given)
    with pytest.raises(InputError, match="twice"):
        call("--person Ann --person Ann")
    (shop / "people.csv").write_text("name,token\nAnn,\n")
    with pytest.raises(InputError, match="--person Ann: is in people"):
        call("--people people.csv --person Ann")
    with pytest.raises(InputError, match="would be read as a table"):
        call("", data="--data . --taxonomy tree.json")
    (shop / "gold.csv").write_text("id,gold\np,Cups\n")
    with pytest.raises(InputError, match="'p': no category"):
        call("--gold gold.csv")
    (shop / "gold.csv").write_text("id,gold\nx,Hats\n")
    with pytest.raises(InputError, match="no product of --data"):
        call("--gold gold.csv")


def test_one_persons_answers_are_deleted_and_the_others_reported(call, shop):
    service = TaskService(["p", "q"], QueueSettings(gold={"p": "Hats"}), shop / "answers.jsonl")
    for name in ("Ann", "Bob"):
        service.answer(service.worker(name), "p", "Hats", "", 1)
    service.close()
    assert call("--delete-worker Ann", data="") == ["Deleted 1 records of Ann."]
    (shop / "gold.csv").write_text("id,gold\np,Hats\n")
    said = call("--gold gold.csv --person Ann --person Bob")
    report = [line.split(")")[1] for line in said if "(w-" in line]
    assert report == [": 0 answers", ": 1 answers, 1 of 1 gold products right"]
    assert len(list(read_log("answers.jsonl"))) == 1


def test_deleting_the_answers_of_somebody_unknown_fails_and_keeps_the_file(call, shop):
    service = TaskService(["p"], QueueSettings(), shop / "answers.jsonl")
    service.answer(service.worker("Ann"), "p", "Hats", "", 1)
    service.close()
    before = (shop / "answers.jsonl").read_bytes()
    with pytest.raises(InputError, match=r"answers\.jsonl: no answers of 'Anne'"):
        call("--delete-worker Anne", data="")
    assert (shop / "answers.jsonl").read_bytes() == before


def test_a_port_in_use_is_named_with_the_remedy(call, shop):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        data = f"--data products.csv --taxonomy tree.json --port {port}"
        with pytest.raises(InputError, match=rf"--port: .* port {port} .*; 0 takes a free one"):
            call("", data=data)
        (shop / "page.html").write_text("<p>{{ task.input.taskObject }}</p>")
        (shop / "in.manifest").write_text('{"source": "Mug"}\n')
        words = f"preview page.html --data in.manifest --no-open --port {port}".split()
        said = CliRunner().invoke(labels, words).exception
        assert isinstance(said, InputError) and f"port {port}" in str(said)
    with pytest.raises(InputError, match=r"--host: cannot listen on 192\.0\.2\.1"):
        call("--host 192.0.2.1 --public http://192.0.2.1 --plaintext")


def test_a_folder_is_no_file_of_the_previews_answers(shop):
    words = f"preview page.html --data in.manifest --no-open --answers {shop}".split()
    said = CliRunner().invoke(labels, words)
    assert said.exit_code == 2
    assert "'--answers'" in said.output and "is a directory" in said.output


def test_images_of_the_web_need_a_package(call, monkeypatch):
    call("--allow-http")
    monkeypatch.setitem(sys.modules, "shelfsort.core.http", None)
    with pytest.raises(InputError, match="pip install 'shelfsort"):
        call("--allow-http")
