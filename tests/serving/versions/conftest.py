"""Folders that look like a SavedModel: versions are about files, so no TensorFlow is needed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[..., Path]:
    """Returns a function that writes a model's files; equal `content` gives equal models."""

    def make(content: str = "a", **lineage: object) -> Path:
        folder = tmp_path / f"model-{content}"
        for name in ("variables", "assets", "assets.extra"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "saved_model.pb").write_bytes(b"graph " + content.encode())
        (folder / "variables" / "variables.index").write_bytes(b"index")
        (folder / "variables" / "variables.data-00000-of-00001").write_bytes(b"weights" * 1000)
        (folder / "assets" / "vocabulary").write_text("tote\nbag\n")
        (folder / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"requests")
        (folder / "assets.extra" / "shelfsort.json").write_text(
            json.dumps({"name": "products", "backbone": "efficientnet_lite0", **lineage})
        )
        return folder

    return make


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The base path of a model that nothing was pushed to yet."""
    return tmp_path / "serving" / "products"
