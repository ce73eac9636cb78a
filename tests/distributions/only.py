"""Runs code in a process where only some of the installed distributions can be imported.

`python only.py '{"distributions": [...], "packages": [...]}' CODE ARGUMENTS...`
"""

import json
import sys
import sysconfig
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, distribution
from pathlib import Path

_SITE_PACKAGES = sysconfig.get_path("purelib") + "/"
_REPOSITORY = f"{Path(__file__).parents[2]}/"


class OnlyFrom(PathFinder):
    """Finds the standard library, files of `distributions`, and our own top-level `packages`."""

    def __init__(self, distributions: list[str], packages: list[str]):
        self._packages = packages
        self._files = {file for name in distributions for file in _files(distribution(name))}

    def find_spec(self, fullname, path=None, target=None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and not self._permits(spec):
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return spec

    def _permits(self, spec: ModuleSpec) -> bool:
        origin = spec.origin or ""
        if origin.startswith(_SITE_PACKAGES):
            return origin in self._files
        if origin.startswith(_REPOSITORY):
            return spec.name.partition(".")[0] in self._packages
        return True


def _files(installed: Distribution) -> Iterator[str]:
    """Its files; those built without a wheel record only the names at the top."""
    if installed.read_text("RECORD") is not None:
        yield from (str(installed.locate_file(file)) for file in installed.files or ())
    else:
        for name in (installed.read_text("top_level.txt") or "").split():
            yield from map(str, Path(_SITE_PACKAGES).glob(f"{name}.*"))
            yield from map(str, Path(_SITE_PACKAGES, name).rglob("*"))


if __name__ == "__main__":
    permitted, code, *arguments = sys.argv[1:]
    sys.meta_path.insert(0, OnlyFrom(**json.loads(permitted)))
    sys.argv = ["only.py", *arguments]
    exec(compile(code, "<code>", "exec"), {"__name__": "__main__"})
