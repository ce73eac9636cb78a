"""A digest of our own code, so that no cache answers for code that has changed since."""

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from shelfsort.core.packages import OUR_PACKAGES

_ROOT = Path(__file__).resolve().parents[1]
_DATA = frozenset((".css", ".html", ".js", ".json", ".pbtxt"))


def code_digest(*rooms: str) -> str:
    """16 hex digits over everything below the named rooms, and all of our modules that they import.

    A room is a folder, e.g. `components/trainer`. Of other rooms only the modules count that are
    imported, directly or not, and with a package the data files beside it. Paths count relative to
    the installed packages, so the same code gives the same digest wherever it is installed.
    """
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(_with_imports(_files_below(rooms))):
        digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0")
        digest.update(hashlib.blake2b(path.read_bytes()).digest())
    return digest.hexdigest()


def _files_below(rooms: Iterable[str]) -> set[Path]:
    files = {path for room in rooms for path in (_ROOT / room).rglob("*")}
    # Importing a room runs the packages that it stands in.
    around = {path for room in rooms for path in _files_of(room.replace("/", "."))}
    return around | {path for path in files if path.suffix == ".py" or path.suffix in _DATA}


def _with_imports(files: set[Path]) -> set[Path]:
    """The files, and those of each of our modules that they import, directly or not."""
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
