"""Wheels of our distributions, built from a copy of the tree."""

import shutil
import subprocess
import sys
from pathlib import Path

from shelfsort.core.packages import OUR_PACKAGES
from tests.distributions.extras import ROOT

PROJECTS = {
    "shelfsort": ".",
    "shelfsort-serving": "distributions/serving",
    "shelfsort-pipeline": "distributions/pipeline",
}


def build_wheels(folder: Path) -> dict[str, Path]:
    """Builds under `folder`, as setuptools writes into its source; wheels by distribution."""
    source, wheels = folder / "source", folder / "wheels"
    for name in (*OUR_PACKAGES, "distributions"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "-w", wheels, *PROJECTS.values()], check=True, cwd=source)
    return {name: _wheel(wheels, name) for name in PROJECTS}


def _wheel(folder: Path, name: str) -> Path:
    (wheel,) = folder.glob(f"{name.replace('-', '_')}-*.whl")
    return wheel
