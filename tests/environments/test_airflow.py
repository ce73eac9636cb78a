"""examples/schedule/airflow_dag.py in a real Airflow 3: its commands decide, watch and retrain."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from shelfsort.core.database.engine import reader
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.opening import open_database
from tests.fixtures.fake_server import TREE

COVERS = (
    "examples/schedule/airflow_dag.py",
    "tests/environments/airflow",
    "tests/environments/test_airflow.py",
)
_ROOT = Path(__file__).parents[2]
_LOCK = Path(__file__).parent / "airflow/requirements.lock"
_RULES = """
version: 1
taxonomy: tree.json
rules:
  - name: vouched for
    when: {accepted: 95}
    then: {outcome: publish}
default: {outcome: review}
"""
PRODUCTS = 60
DONE = dict.fromkeys(("fresh", "decide", "monitor", "retrain", "kept", "backup"), "success")
# Nobody says what is old.
DONE["prune"] = "skipped"

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
def airflow(tmp_path_factory) -> Path:
    """The `bin` folder of an environment with Airflow."""
    folder = tmp_path_factory.mktemp("airflow")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin/python"
    uv = shutil.which("uv")
    # 140 packages take pip minutes and uv seconds.
    pip = [uv, "pip"] if uv else [python, "-m", "pip"]
    target = ["--python", python] if uv else []
    install = ["install", *target, "--quiet", "--require-hashes", "-r", _LOCK]
    subprocess.run([*pip, *install], check=True, timeout=3000)
    return folder / "bin"


class Shop:
    """A shop whose day is a run of the DAG."""

    def __init__(self, folder: Path, airflow: Path, address: str):
        self.folder, self.airflow, self.address = folder, airflow, address
        leaves = [leaf for leaf, _ in TREE]
        root = {"id": "all", "name": "All", "subcategories": leaves}
        nodes = [{"id": id_, "name": id_, "subcategories": [], "parent": "all"} for id_ in leaves]
        (folder / "tree.json").write_text(json.dumps([root, *nodes]))
        (folder / "rules.yaml").write_text(_RULES)
        rows = [f"p{n},{leaves[n % len(leaves)]} {n}" for n in range(PRODUCTS)]
        (folder / "new.csv").write_text("\n".join(("id,title", *rows)) + "\n")
        (folder / "labels").mkdir()
        (folder / "home").mkdir()
        program = folder / "bin/shelfsort"
        program.parent.mkdir()
        command = f'PYTHONPATH="{_ROOT}" exec "{sys.executable}" -m shelfsort.cli.main "$@"'
        program.write_text(f"#!/bin/sh\n{command}\n")
        program.chmod(0o755)
        self._call("airflow", "db", "migrate")

    @property
    def database(self) -> Path:
        return self.folder / "d.db"

    def day(self, patience_s: float = 600.0) -> dict[str, Any]:
        script = Path(__file__).parent / "airflow/run_dag.py"
        dag = _ROOT / "examples/schedule/airflow_dag.py"
        said = self._call("python", str(script), str(dag), str(patience_s))
        return json.loads(said.splitlines()[-1])

    def answer_audits(self, right: bool) -> None:
        """A person answers every audit, always or never as the model did."""
        engine = open_database(str(self.database))
        chosen = (
            sa.select(tables.decision.c.id, tables.prediction.c.category, tables.decision.c.at)
            .select_from(tables.audit)
            .join(tables.decision, tables.decision.c.id == tables.audit.c.decision)
            .join(tables.prediction, tables.prediction.c.id == tables.decision.c.prediction)
        )
        with engine.begin() as connection:
            rows = [
                {
                    "decision": row.id,
                    "at": row.at,
                    "reviewer": "Ann",
                    "kind": "audit",
                    "category": row.category if right else f"not {row.category}",
                }
                for row in connection.execute(chosen)
            ]
            connection.execute(sa.insert(tables.review), rows)
        engine.dispose()

    def count(self, table: sa.Table) -> int:
        with reader(open_database(str(self.database))) as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    def _call(self, program: str, *arguments: str) -> str:
        clean = {name: value for name, value in os.environ.items() if name[:6] != "PYTHON"}
        settings = {
            "AIRFLOW_HOME": str(self.folder / "home"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(_ROOT / "examples/schedule"),
            "AIRFLOW_VAR_SHELFSORT_DATA": str(self.folder / "*.csv"),
            "AIRFLOW_VAR_SHELFSORT_RULES": str(self.folder / "rules.yaml"),
            "AIRFLOW_VAR_SHELFSORT_DATABASE": str(self.database),
            "AIRFLOW_VAR_SHELFSORT_ADDRESS": self.address,
            "AIRFLOW_VAR_SHELFSORT_INBOX": str(self.folder / "labels"),
            "AIRFLOW_VAR_SHELFSORT_TAXONOMY": str(self.folder / "tree.json"),
            "AIRFLOW_VAR_SHELFSORT_OUTPUT": str(self.folder / "out"),
            "AIRFLOW_VAR_SHELFSORT_AUDIT_RATE": "1",
            "AIRFLOW_VAR_SHELFSORT_PAGE": str(self.folder / "days.html"),
            "AIRFLOW_VAR_SHELFSORT_BACKUPS": str(self.folder / "backups"),
            "PATH": f"{self.folder}/bin:{self.airflow}:{os.environ['PATH']}",
        }
        done = subprocess.run(
            [self.airflow / program, *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**clean, **settings},
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return done.stdout


@pytest.fixture
def shop(tmp_path, airflow, fake) -> Shop:
    return Shop(tmp_path, airflow, fake.address)


def test_a_day_decides_once_and_a_broken_promise_fails_it_and_still_asks_for_training(shop):
    first = shop.day()
    assert (first["ours"], first["max_active_runs"], first["catchup"]) == ([], 1, False)
    assert first["import_s"] < 10
    assert (first["run"], first["tasks"]) == ("success", DONE)
    assert shop.count(tables.decision) == PRODUCTS
    assert "<svg" in (shop.folder / "days.html").read_text()
    assert len(list((shop.folder / "backups").glob("decisions-*.backup"))) == 1
    drawn = shop.count(tables.audit)
    assert 0 < drawn <= PRODUCTS
    shop.answer_audits(right=False)
    second = shop.day()
    assert (second["run"], second["tasks"]) == (
        "failed",
        # The training begins, and refuses labels that are not in the tree.
        {**DONE, "monitor": "failed", "retrain": "failed", "kept": "upstream_failed"},
    )
    assert (shop.count(tables.decision), shop.count(tables.backoff) > 0) == (PRODUCTS, True)
    assert "reviews.manifest" in {each.name for each in (shop.folder / "labels").iterdir()}


@pytest.mark.parametrize("delivered", ["a file without products", "nothing"])
def test_a_day_without_products_ends_well(shop, delivered):
    new = shop.folder / "new.csv"
    if delivered == "nothing":
        new.unlink()
    else:
        new.write_text("id,title\n")
    # The file is there, or it does not come.
    found = shop.day(patience_s=0.0)
    fresh = "skipped" if delivered == "nothing" else "success"
    assert (found["run"], found["tasks"]) == ("success", {**DONE, "fresh": fresh})
    assert shop.count(tables.decision) == 0
