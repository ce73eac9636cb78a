"""A digest of Shelfsort's own code: it keeps a cache from answering for code that has changed."""

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

from shelfsort.core.packages import OUR_PACKAGES

_ROOT = Path(__file__).resolve().parents[1]
_DATA = frozenset((".css", ".html", ".js", ".json", ".pbtxt"))


def code_digest(package: str) -> str:
    """16 hex digits over all files of a package, and all modules of Shelfsort that it imports.

    Of other packages only the modules count that are imported, directly or not, and the data files
    beside them. Paths count relative to the installed packages, so the same code has the same
    digest wherever it is installed.

    Args:
        package: its folder, e.g. `components/trainer`.
    """
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(_with_imports(_files_below(package))):
        digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0")
        digest.update(hashlib.blake2b(path.read_bytes()).digest())
    return digest.hexdigest()


def _files_below(package: str) -> set[Path]:
    files = (_ROOT / package).rglob("*")
    # Importing a package runs the packages that it stands in.
    around = set(_files_of(package.replace("/", ".")))
    return around | {path for path in files if path.suffix == ".py" or path.suffix in _DATA}


def _with_imports(files: set[Path]) -> set[Path]:
    """The files, and those of each module of Shelfsort that they import, directly or not."""
    found, waiting = set(files), [path for path in files if path.suffix == ".py"]
    while waiting:
        imported = {
            path for name in _imported_names(waiting.pop().read_bytes()) for path in _files_of(name)
        }
        waiting += [path for path in imported - found if path.suffix == ".py"]
        found |= imported
    return found


@functools.cache
def _imported_names(source: bytes) -> frozenset[str]:
    """Dotted names that a module may import, wherever in it the statement stands."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(name for name in names if name.split(".")[0] in OUR_PACKAGES)


def _files_of(name: str) -> Iterator[Path]:
    """The files that importing a dotted name runs, its packages' among them, and their data."""
    folder = _ROOT
    for part in name.split("."):
        module, folder = folder / f"{part}.py", folder / part
        if module.is_file():
            yield module
            return
        if not (folder / "__init__.py").is_file():
            return
        yield from (
            path for path in folder.iterdir() if path.name == "__init__.py" or path.suffix in _DATA
        )
