"""docs/clients.md: its examples, taken from the page, ask what the project's own client asks."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from google.protobuf import json_format

from shelfsort import client
from shelfsort.client.messages import Product, checked, request
from shelfsort.contract import wire

PAGE = Path(__file__).parents[2] / "docs/clients.md"
PICTURE = b"\xff\xd8\xff\xe0 pixels\n"


def example(language: str, marker: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (found,) = [block for block in blocks if marker in block]
    return found


def what_the_command_sends(command: str, folder: Path) -> dict:
    """Runs a shell example with its network tool replaced by `cat`: what it would send."""
    (folder / "tote.jpg").write_bytes(PICTURE)
    script = "grpcurl() { cat; }; curl() { cat; }\n" + command
    run = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, check=True)
    return json.loads(run.stdout)


@pytest.fixture
def own_request():
    """What the client sends for the product of the examples."""
    row = checked(Product(title="Canvas tote bag", image=PICTURE, price=19.9))
    return request([row], client.DEFAULT_MODEL, version=None, label=None)


def test_grpcurl_sends_the_clients_own_request(own_request, tmp_path):
    sent = what_the_command_sends(example("sh", "grpcurl "), tmp_path)
    assert json_format.ParseDict(sent, wire.PredictRequest()) == own_request


def test_curl_sends_the_same_product_in_row_form(own_request, tmp_path):
    sent = what_the_command_sends(example("sh", ":predict"), tmp_path)
    (row,) = sent["instances"]
    assert sent["signature_name"] == own_request.model_spec.signature_name
    assert set(row) == set(own_request.inputs)
    assert row["title"].encode() == own_request.inputs["title"].string_val[0]
    inputs = {"image": {"dtype": wire.DT_STRING, "stringVal": [row["image"]["b64"]]}}
    parsed = json_format.ParseDict({"inputs": inputs}, wire.PredictRequest())
    assert parsed.inputs["image"].string_val[0] == PICTURE


def test_the_python_example_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    answer = client.Answer(
        "totes", "Bags > Totes", 0.9, {0.95: True, 0.98: False}, "totes", 2, (), 1, "t"
    )
    asked = []

    class Recorder(client.Classifier):
        def classify(self, **product):
            asked.append(checked(Product(**product)))
            return answer

        def classify_many(self, products):
            asked.extend(map(checked, products))
            return [answer] * 2

    (tmp_path / "tote.jpg").write_bytes(PICTURE)
    (tmp_path / "lamp.jpg").write_bytes(PICTURE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(client, "Classifier", Recorder)
    exec(compile(example("python", "Classifier"), str(PAGE), "exec"), {})
    assert capsys.readouterr().out == "Bags > Totes 0.9 True totes\n"
    assert [row.title for row in asked] == [b"Canvas tote bag", b"Enamel mug", b""]


@pytest.mark.parametrize("language", ["go", "java"])
def test_other_languages_name_the_signature_and_every_input(own_request, language):
    code = example(language, "predict_raw")
    for name in own_request.inputs:
        assert f'"{name}"' in code
    service, _, _ = wire.PREDICT_METHOD.strip("/").partition("/")
    assert f'"{service}"' in code
