"""Demands that a release names every image by digest: what the image is built from, and what runs.

    make release-check PYTHON_IMAGE=python@sha256:... BEAM_IMAGE=apache/beam...@sha256:...

A tag may be moved to other content, a digest may not. The digests of the manifests are set by
`kustomize edit set image NAME=NAME@sha256:...` in the folder of each kustomization that is named.
"""

import os
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
_BUILD_ARGUMENT = re.compile(r"^ARG (\w+_IMAGE)=", re.MULTILINE)
_NAMED = re.compile(r"[a-z0-9][a-z0-9._/:-]*@sha256:[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def build_problems(dockerfile: str, given: dict[str, str]) -> list[str]:
    """Build arguments of a Dockerfile that do not name an image by digest."""
    return [
        f"{name}={given.get(name, '')}: no image by digest. Give NAME@sha256:... to the build."
        for name in _BUILD_ARGUMENT.findall(dockerfile)
        if not _NAMED.fullmatch(given.get(name, ""))
    ]


def manifest_problems(folder: Path) -> list[str]:
    """Images of manifests that no kustomization above or beside them names by digest."""
    named = {
        image["name"]: str(image.get("digest", ""))
        for path in sorted(folder.rglob("kustomization.yaml"))
        for image in yaml.safe_load(path.read_text()).get("images", [])
    }
    used = {
        container["image"].partition("@")[0].partition(":")[0]
        for path in sorted(folder.rglob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        if document["kind"] == "Deployment"
        for container in document["spec"]["template"]["spec"]["containers"]
        if "image" in container
    }
    return [
        f"{folder}: the image {name} has no digest. Set it in the kustomization's `images`."
        for name in sorted(used)
        if not _DIGEST.fullmatch(named.get(name, ""))
    ]


def main() -> int:
    """Prints what a release may not contain; the exit status is 0 where there is nothing."""
    found = build_problems((ROOT / "Dockerfile").read_text(), dict(os.environ))
    found += manifest_problems(ROOT / "serving" / "kubernetes")
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
