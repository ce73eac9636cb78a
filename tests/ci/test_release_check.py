import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECK = runpy.run_path(str(ROOT / ".ci" / "release_check.py"))
DIGEST = "sha256:" + "0" * 64


def test_each_image_that_ours_is_built_from_needs_a_digest():
    dockerfile = (ROOT / "Dockerfile").read_text()
    given = {"PYTHON_IMAGE": f"python@{DIGEST}", "BEAM_IMAGE": f"registry:5000/beam/sdk@{DIGEST}"}
    assert CHECK["build_problems"](dockerfile, given) == []
    assert len(CHECK["build_problems"](dockerfile, {})) == 2
    for image in ("python:3.13", "python@sha256:12", f"python@{DIGEST}0", f"python {DIGEST}"):
        (problem,) = CHECK["build_problems"](dockerfile, {**given, "PYTHON_IMAGE": image})
        assert problem.startswith("PYTHON_IMAGE=")


@pytest.mark.parametrize(("entry", "expected"), [("digest: " + DIGEST, 0), ("newTag: '2'", 1)])
def test_each_image_that_runs_needs_a_digest(tmp_path, entry, expected):
    (tmp_path / "deployment.yaml").write_text(
        "kind: Deployment\nspec: {template: {spec: {containers: [{image: 'store/server:1'}]}}}\n"
    )
    (tmp_path / "kustomization.yaml").write_text(
        f"kind: Kustomization\nimages:\n  - name: store/server\n    {entry}\n"
    )
    assert len(CHECK["manifest_problems"](tmp_path)) == expected


def test_the_images_of_the_manifests_are_known_to_the_check():
    found = CHECK["manifest_problems"](ROOT / "serving" / "kubernetes")
    assert [("tensorflow/serving" in each, "rclone/rclone" in each) for each in found] in (
        [],
        [(False, True), (True, False)],
    )
