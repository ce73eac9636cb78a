"""`shelfsort predict`: what it prints, and its exit status when something is wrong."""

import json
import socket

import pytest

from shelfsort.cli import main as cli


@pytest.fixture
def shelfsort(monkeypatch, capsys):
    """Runs the command as the console script does: (exit status, stdout, stderr)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["shelfsort", *arguments])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        captured = capsys.readouterr()
        return exit_.value.code, captured.out, captured.err

    return run


def test_the_answer_is_readable(fake, jpeg, shelfsort):
    status, out, _ = shelfsort(
        "predict", "--address", fake.address, "--title", "bowls", "--image", str(jpeg)
    )
    lines = out.splitlines()
    assert status == 0
    assert lines[0] == "Kitchen > Bowls   70.0%"
    assert lines[5] == "  bowls   70.0%  " + "█" * 21


def test_golden_predict(fake, shelfsort, golden):
    """An accepted product, and one that is not."""
    lines = []
    for title in ("bowls", "thing"):
        _, out, _ = shelfsort("predict", "--address", fake.address, "--title", title)
        lines += [*out.splitlines(), ""]
    golden("predict_command.txt", lines)


def test_json_holds_every_field(fake, shelfsort):
    _, out, _ = shelfsort(
        "predict", "--address", fake.address, "--title", "mugs", "--price", "4", "--json"
    )
    answer = json.loads(out)
    assert answer["category"] == answer["answer"] == "mugs"
    assert answer["top"][0] == {"category": "mugs", "score": pytest.approx(0.7)}
    assert (answer["accepted_95"], answer["accepted_98"]) == (True, False)
    assert (answer["model_version"], answer["threshold_version"]) == (3, "t-1")


def test_model_and_version_reach_the_server(fake, shelfsort):
    shelfsort(
        "predict", "--address", fake.address, "--title", "x", "--model", "shop", "--version", "2"
    )
    (request,) = fake.requests
    assert (request.model_spec.name, request.model_spec.version.value) == ("shop", 2)


def test_a_server_that_is_gone_is_one_line_and_status_1(shelfsort):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        status, out, err = shelfsort(
            "predict", "--address", address, "--title", "x", "--timeout", "5"
        )
    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("shelfsort: ") and address in err


def test_a_file_that_is_no_picture_is_one_line_and_status_2(fake, tmp_path, shelfsort):
    page = tmp_path / "photo.jpg"
    page.write_text("<html>")
    status, out, err = shelfsort("predict", "--address", fake.address, "--image", str(page))
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert str(page) in err
    assert fake.requests == []


def test_a_product_of_nothing_is_status_2(fake, shelfsort):
    status, _, err = shelfsort("predict", "--address", fake.address)
    assert (status, len(err.splitlines())) == (2, 1)
    assert fake.requests == []


def test_an_address_without_port_is_status_2(shelfsort):
    status, _, err = shelfsort("predict", "--address", "localhost", "--title", "x")
    assert status == 2
    assert "HOST:PORT" in err
