"""The daily batch by cron, on Kubernetes and in Airflow: valid, alone, and with today's options."""

import ast
import fcntl
import importlib
import re
import shlex
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from shelfsort.cli.main import COMMANDS

FOLDER = Path(__file__).parents[1] / "examples/schedule"
PLACES = ("DATA", "RULES", "DATABASE", "ADDRESS", "INBOX", "OUTPUT")
MORE = {"TAXONOMY", "PAGE", "KEEP_DAYS"}
OPTIONAL = "--reference-from 2026-11-02"
OLDEST, NEWEST = "1.27", "1.37"


def cronjob() -> dict:
    return yaml.safe_load((FOLDER / "cronjob.yaml").read_text())


def pod() -> dict:
    return cronjob()["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def refuse_unknown_options(words: list[str]) -> None:
    """Parses the words of a command line as the command itself would, without calling it."""
    module, attribute = COMMANDS[words[0]].target.split(":")
    command = getattr(importlib.import_module(module), attribute)
    rest = words[1:]
    if hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context(words[0], rest)


def commands_of(script: str) -> list[list[str]]:
    joined = script.replace("\\\n", " ")
    joined = joined.replace('${REFERENCE_FROM:+--reference-from "$REFERENCE_FROM"}', OPTIONAL)
    joined = re.sub(r"\$\{?(AUDIT_RATE|PROMISE)(:-[0-9.]+\})?", "0.5", joined)
    joined = re.sub(r"\$\{?(MIN_NEW|KEEP_DAYS)(:-[0-9]+\})?", "5", joined)
    lines = [line.strip() for line in joined.splitlines() if line.strip()[:10] == "shelfsort "]
    return [shlex.split(line.split(" || ")[0])[1:] for line in lines]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_the_cronjob_is_valid(version):
    kubernetes_validate.validate(cronjob(), version, strict=True)


def test_the_cronjob_runs_alone_in_time_without_root_or_secrets_in_the_open():
    spec = cronjob()["spec"]
    assert (spec["concurrencyPolicy"], spec["startingDeadlineSeconds"]) == ("Forbid", 7200)
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] < 24 * 3600
    assert pod()["securityContext"]["runAsNonRoot"] is True
    (container,) = pod()["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    given = {each["name"]: each for each in container["env"]}
    assert set(given) == {*PLACES, *MORE, "PGPASSWORD"}
    assert "secretKeyRef" in given["PGPASSWORD"]["valueFrom"]
    assert re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", container["image"])


def test_the_crontab_gives_what_the_script_needs_and_has_one_line():
    lines = [line for line in (FOLDER / "crontab").read_text().splitlines() if line[:1] != "#"]
    given = {line.split("=")[0] for line in lines if re.match(r"[A-Z_]+=", line)}
    assert given == {*PLACES, *MORE, "METRICS", "BACKUPS", "MAILTO", "PATH"}
    (job,) = [line for line in lines if not re.match(r"[A-Z_]+=", line)]
    assert job.split()[:5] == ["0", "5", "*", "*", "*"]


def test_the_script_and_the_dag_use_options_that_there_are():
    tree = ast.parse((FOLDER / "airflow_dag.py").read_text())
    texts = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    steps = ("DECIDE", "MONITOR", "RETRAIN", "PRUNE", "BACKUP")
    of_dag = commands_of("\n".join(texts[name] for name in steps))
    of_script = commands_of((FOLDER / "daily.sh").read_text())
    for commands in (of_dag, of_script):
        called = [words[0] if words[0] != "database" else words[1] for words in commands]
        assert called == ["batch", "monitor", "retrain", "prune", "backup"]
        # A day without products ends well.
        assert "--if-any" in commands[0]
        for words in commands:
            refuse_unknown_options(words)


def test_the_dag_imports_nothing_of_ours():
    tree = ast.parse((FOLDER / "airflow_dag.py").read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [])
        + [each.name for each in node.names if isinstance(node, ast.Import)]
    }
    assert imported == {"airflow", "datetime"}


@pytest.fixture
def daily(tmp_path):
    """Runs the script with a `shelfsort` that notes its calls; returns status and calls."""

    def run(more: dict[str, str] | None = None, **statuses: int) -> tuple[int, list[str]]:
        program, calls = tmp_path / "bin/shelfsort", tmp_path / "calls"
        program.parent.mkdir(exist_ok=True)
        cases = "".join(f"{name}) exit {status};; " for name, status in statuses.items())
        script = f'#!/bin/sh\necho "$*" >>{calls}\ncase $1 in {cases}esac\n'
        program.write_text(script)
        program.chmod(0o755)
        calls.unlink(missing_ok=True)
        places = {name: f"/{name.lower()}" for name in PLACES}
        environment = {"PATH": f"{program.parent}:/usr/bin:/bin", "LOCK": str(tmp_path / "lock")}
        done = subprocess.run(
            [FOLDER / "daily.sh"],
            env={**environment, **places, **(more or {})},
            capture_output=True,
        )
        return done.returncode, calls.read_text().splitlines() if calls.exists() else []

    return run


@pytest.mark.parametrize(
    ("statuses", "status", "called"),
    [
        ({}, 0, ["batch", "monitor", "retrain"]),
        ({"batch": 1}, 1, ["batch"]),
        ({"monitor": 1}, 1, ["batch", "monitor", "retrain"]),
        ({"retrain": 3}, 0, ["batch", "monitor", "retrain"]),
        ({"retrain": 2}, 1, ["batch", "monitor", "retrain"]),
    ],
)
def test_the_script_goes_on_after_an_alarm_and_tells_of_it(daily, statuses, status, called):
    ended, calls = daily(**statuses)
    assert (ended, [call.split()[0] for call in calls]) == (status, called)


def test_the_script_forgets_backs_up_and_begins_a_new_reference_where_told(daily):
    more = {"KEEP_DAYS": "400", "BACKUPS": "/backups", "REFERENCE_FROM": "2026-11-02"}
    ended, calls = daily(more, database=1)
    assert ended == 1
    assert calls[1].endswith("--reference-from 2026-11-02")
    assert calls[3] == "database prune --decisions /database --older-than 400"
    assert re.fullmatch(
        r"database backup /database --to /backups/decisions-[0-9]{4}-[0-9-]{5}\.backup", calls[4]
    )


def test_a_second_script_does_nothing_while_one_is_at_work(daily, tmp_path):
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert daily() == (0, [])
    assert len(daily()[1]) == 3
