"""The TFX components of Shelfsort, one folder each.

Kubeflow steps import artifact classes by their type names, `components.Rejects` and the like; they
are loaded on demand, so that the package itself imports without TFX.
"""

import importlib
from typing import Any

_ARTIFACT_CLASSES = ("DataDrift", "Rejects", "Report", "Taxonomy")


def __getattr__(name: str) -> Any:
    if name not in _ARTIFACT_CLASSES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("components.artifacts"), name)
