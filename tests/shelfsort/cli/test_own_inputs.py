"""No command writes over a file that it reads."""

import json

import pytest
from click.testing import CliRunner

from shelfsort.cli.main import shelfsort
from shelfsort.core.errors import InputError

LINE = {
    "id": "p1",
    "title": "A mug",
    "shelf": {"workers": [{"worker_id": "w", "label": "A > Mugs"}]},
    "shelf-metadata": {"type": "groundtruth/custom"},
}
FILES = {
    "tree.csv": "path\nA > Mugs\nA > Hats\n",
    "tree.txt": "A > Mugs\nA > Hats\n",
    "in.manifest": json.dumps(LINE) + "\n",
    "inbox/a.manifest": json.dumps(LINE) + "\n",
    "new.manifest": '{"id": "p2", "title": "A hat"}\n',
    "answers.csv": "task,worker,label\np1,w,A > Mugs\n",
    "gold.csv": "task,gold\np1,A > Mugs\n",
    "scores.jsonl": '{"id": "p1", "scores": {"A > Mugs": 0.9, "A > Hats": 0.1}}\n',
    "guide.yaml": "A > Mugs: {about: To drink from.}\n",
    "rules.csv": "from,to\nA > Mugs,A > Hats\n",
    "map.csv": "from,to\n",
    "counts.csv": "category,count\nA > Mugs,3\n",
    "responses/1/0/r.json": json.dumps(
        {"answers": [{"workerId": "w", "answerContent": {"label": "A > Mugs"}}]}
    ),
}
OUTPUTS = [
    ("labels consolidate answers.csv --gold gold.csv", "answers.csv gold.csv"),
    (
        "labels consolidate inbox --taxonomy tree.csv --scores scores.jsonl",
        "inbox/a.manifest tree.csv scores.jsonl",
    ),
    (
        "labels next new.manifest inbox --gold gold.csv --taxonomy tree.csv --scores scores.jsonl",
        "new.manifest inbox/a.manifest gold.csv tree.csv scores.jsonl",
    ),
    (
        "labels auto in.manifest --gold gold.csv --taxonomy tree.csv --scores scores.jsonl",
        "in.manifest gold.csv tree.csv scores.jsonl",
    ),
    ("labels import answers.csv --products in.manifest --attribute x", "answers.csv in.manifest"),
    ("labels import responses", "responses/1/0/r.json"),
    ("labels template tree.csv --guide guide.yaml", "tree.csv guide.yaml"),
    ("labels template tree.csv --for label-studio", "tree.csv"),
    ("taxonomy build tree.txt tree.csv", "tree.txt tree.csv"),
    ("taxonomy build gold.csv --column gold", "gold.csv"),
    ("taxonomy save tree.csv", "tree.csv"),
    ("taxonomy draw tree.csv --data inbox", "tree.csv inbox/a.manifest"),
    ("taxonomy rollup tree.csv inbox --depth 1", "tree.csv inbox/a.manifest"),
    (
        "taxonomy reduce tree.csv --reduction rules.csv --data in.manifest",
        "tree.csv rules.csv in.manifest",
    ),
    ("taxonomy suggest tree.csv --data inbox", "tree.csv inbox/a.manifest"),
    ("taxonomy migrate in.manifest --from tree.txt --to tree.csv --rest r", "in.manifest tree.txt"),
]
OTHERS = [
    ("labels evaluate in.manifest --gold gold.csv --html", "in.manifest gold.csv"),
    ("taxonomy diff tree.txt tree.csv --mapping map.csv --mapping-output", "tree.csv map.csv"),
    ("labels preview tree.txt --data in.manifest --no-open --answers", "tree.txt in.manifest"),
]
CASES = [
    (*f"{call} --output {each}".split(), each)
    for call, targets in OUTPUTS
    for each in targets.split()
] + [(*call.split(), each, each) for call, targets in OTHERS for each in targets.split()]


def refused(*arguments):
    result = CliRunner().invoke(shelfsort, arguments)
    assert isinstance(result.exception, InputError), (result.output, result.exception)
    return str(result.exception)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_no_command_writes_over_its_own_input(here, case):
    *call, target = case
    assert f"{target}: is the input" in refused(*call)
    assert (here / target).read_text() == FILES[target]


def test_an_input_is_found_by_another_name_too(here):
    (here / "link.json").symlink_to("tree.csv")
    assert "link.json: is the input" in refused(
        "taxonomy", "save", "tree.csv", "--output", "link.json"
    )
    assert "is the input" in refused(
        "taxonomy", "save", "tree.csv", "--output", "inbox/../tree.csv"
    )
    assert "is the input" in refused("taxonomy", "save", f"{here}/tree.csv", "--output", "tree.csv")
