"""The manifests, as written and as rendered."""

import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml

MANIFESTS = Path(__file__).parents[3] / "serving" / "kubernetes"


@cache
def _rendered(overlay: str) -> tuple[dict, ...]:
    command = ["kubectl", "kustomize", str(MANIFESTS / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


@pytest.fixture
def render() -> Callable[[str], tuple[dict, ...]]:
    """Returns a function that renders an overlay; skips where kubectl is not installed."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed, so overlays cannot be rendered")
    return _rendered
