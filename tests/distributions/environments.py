"""What each extra installs, and a process that can import nothing else."""

import json
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import tomli
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shelfsort.core.packages import DISTRIBUTIONS

ROOT = Path(__file__).parents[2]
_PROJECT = tomli.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = _PROJECT["optional-dependencies"]


def run_only(
    extras: Iterable[str], distributions: Iterable[str], code: str, *arguments: str
) -> subprocess.CompletedProcess:
    """Runs `code` where only our `distributions` and what `extras` install can be imported."""
    permitted = {
        "distributions": sorted(_installed_by(extras)),
        "packages": [package for name in distributions for package in DISTRIBUTIONS[name]],
    }
    program = [sys.executable, str(Path(__file__).with_name("only.py")), json.dumps(permitted)]
    return subprocess.run([*program, code, *arguments], capture_output=True, text=True, cwd=ROOT)


def _installed_by(extras: Iterable[str]) -> set[str]:
    """Distributions that `pip install shelfsort[extras]` brings, of those installed here."""
    pending = [Requirement(f"shelfsort[{','.join(extras)}]")]
    seen: set[tuple[str, str]] = set()
    while pending:
        requirement = pending.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                pending += _requirements(name, extra)
    return {name for name, _ in seen if _is_installed(name)} - {"shelfsort"}


def _requirements(name: str, extra: str) -> list[Requirement]:
    if name == "shelfsort":
        return list(map(Requirement, EXTRAS[extra] if extra else _PROJECT["dependencies"]))
    declared = (distribution(name).requires or ()) if _is_installed(name) else ()
    found = [Requirement(each) for each in declared]
    return [each for each in found if each.marker is None or each.marker.evaluate({"extra": extra})]


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
