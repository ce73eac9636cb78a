"""A process that can import only what an environment would contain."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.distributions.extras import EXTRAS, PROJECT, ROOT, Environment

_LAUNCHER = Path(__file__).with_name("only.py")


def run_within(
    environment: Environment, code: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    permitted = json.dumps(
        {
            "distributions": sorted(_installed_by(environment.extras)),
            "packages": environment.packages,
        }
    )
    command = [sys.executable, str(_LAUNCHER), permitted, code, *arguments]
    # Importing TFT has set this in a process that ran other tests before.
    clean = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=clean)


def _installed_by(extras: Iterable[str]) -> set[str]:
    """Distributions that `pip install shelfsort[extras]` brings, of those installed here."""
    pending = [Requirement(f"shelfsort[{','.join(extras)}]")]
    seen: set[tuple[str, str]] = set()
    while pending:
        requirement = pending.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                pending += _requirements(name, extra)
    return {name for name, _ in seen if _is_installed(name)} - {"shelfsort"}


def _requirements(name: str, extra: str) -> list[Requirement]:
    if name == "shelfsort":
        return list(map(Requirement, EXTRAS[extra] if extra else PROJECT["dependencies"]))
    declared = (distribution(name).requires or ()) if _is_installed(name) else ()
    found = [Requirement(each) for each in declared]
    return [each for each in found if each.marker is None or each.marker.evaluate({"extra": extra})]


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
