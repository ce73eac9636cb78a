"""The digest changes with what a component runs, and with nothing else."""

from pathlib import Path

import pytest

from pipeline import code_digest as module
from pipeline.code_digest import OUR_PACKAGES, code_digest

FILES = {
    "components/__init__.py": "",
    "components/pusher/__init__.py": "",
    "components/pusher/executor.py": "import json\nimport demo.tree\n",
    "components/pusher/static/page.css": "b { color: red }",
    "components/report/__init__.py": "",
    "components/report/executor.py": "def late():\n    from schema import rules\n",
    "demo/__init__.py": "",
    "demo/tree.py": "from demo.storage import read\n",
    "demo/storage.py": "def read(): ...\n",
    "demo/workers.py": "def rank(): ...\n",
    "schema/__init__.py": "rules = 1\n",
    "schema/schema.pbtxt": "feature {}",
    "json/__init__.py": "not ours, and not even Python",
}


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Path:
    """A checkout in which the digests are taken."""
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(module, "_ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("package", "counts"),
    [
        (
            "components/pusher",
            {
                "components/__init__.py",
                "components/pusher/__init__.py",
                "components/pusher/executor.py",
                "components/pusher/static/page.css",
                "demo/__init__.py",
                "demo/tree.py",
                "demo/storage.py",
            },
        ),
        (
            "components/report",
            {
                "components/__init__.py",
                "components/report/__init__.py",
                "components/report/executor.py",
                "schema/__init__.py",
                "schema/schema.pbtxt",
            },
        ),
    ],
)
def test_what_a_package_holds_and_imports_counts_and_nothing_else(tree, package, counts):
    before = code_digest(package)
    for name in FILES:
        content = (tree / name).read_text()
        (tree / name).write_text(content + "\n# changed\n")
        assert (code_digest(package) != before) == (name in counts), name
        (tree / name).write_text(content)
    assert code_digest(package) == before


def test_a_new_file_in_the_package_counts(tree):
    before = code_digest("components/pusher")
    (tree / "components/pusher/decision.py").write_text("")
    assert code_digest("components/pusher") != before


def test_every_package_of_the_checkout_is_known_as_ours():
    root = Path(__file__).parents[2]
    packages = {path.parent.name for path in root.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages <= set(OUR_PACKAGES)
