"""What an exported image set holds, whatever its form."""

import hashlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shelfsort.catalog.output.pictures import Pictures
from shelfsort.catalog.output.selection import Chosen, Picture
from shelfsort.core import storage
from shelfsort.core.errors import InputError
from shelfsort.core.storage import is_remote, join, local_path

NO_LICENCE = "not known"
_NOT_IN_NAMES = frozenset('/\\:*?"<>|')
# File systems take names of 255 bytes.
_MOST_BYTES = 200
_SUFFIXES = {"jpeg": "jpg", "tiff": "tif"}


@dataclass
class Contents:
    """What was written.

    Attributes:
        categories: number of products by path of the leaf.
        sources: number of products by name and licence of the source.
        bytes: of the pictures.
        lost: products whose picture is missing in the store, or not what it was; left out.
    """

    categories: Counter[str] = field(default_factory=Counter)
    sources: Counter[tuple[str, str]] = field(default_factory=Counter)
    bytes: int = 0
    lost: int = 0

    @property
    def products(self) -> int:
        """Number of products."""
        return self.categories.total()

    @property
    def licences(self) -> list[str]:
        """Licences of the sources, sorted."""
        return sorted({licence for _, licence in self.sources})


@dataclass(frozen=True)
class Item:
    """A product of the set.

    Attributes:
        product: with its leaf.
        picture: of the product.
        content: of the picture.
        file: path of the picture in the set: the leaf's path as folders, and the digest.
    """

    product: Chosen
    picture: Picture
    content: bytes
    file: str


def items(products: Iterable[Chosen], pictures: Pictures, contents: Contents) -> Iterator[Item]:
    """The products with the bytes of their pictures, which are checked; counts them.

    Args:
        products: each with a leaf and a picture.
        pictures: the store.
        contents: what is counted.
    """
    for each in products:
        picture = each.picture
        if picture is None or each.label is None:
            raise ValueError(f"{each.id}: a product of an image set has a picture and a leaf")
        content = _whole(pictures, picture)
        if content is None:
            contents.lost += 1
            continue
        contents.categories[each.label] += 1
        contents.sources[each.source, each.licence or NO_LICENCE] += 1
        contents.bytes += len(content)
        suffix = _SUFFIXES.get(picture.format, picture.format)
        file = f"{_folders(each.label)}/{picture.digest[:32]}.{suffix}"
        yield Item(each, picture, content, file)


def _whole(pictures: Pictures, picture: Picture) -> bytes | None:
    try:
        content = pictures.read(picture)
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == picture.digest else None


def _folders(path: str) -> str:
    """A leaf's path as folders, which a reader of folders takes for the same path."""
    return "/".join(_folder(name) for name in path.split(" > "))


def _folder(name: str) -> str:
    kept = "".join(
        each if each.isprintable() and each not in _NOT_IN_NAMES else "-" for each in name
    )
    # A leading dot hides a folder, and some systems drop a dot or a blank at the end.
    return _cut(kept.lstrip(".")).rstrip(". ") or "-"


def _cut(name: str) -> str:
    return name.encode()[:_MOST_BYTES].decode("utf-8", "ignore")


@contextmanager
def new_folder(place: str) -> Iterator[Path]:
    """A folder on this machine whose files appear at `place` when the block ends well.

    Args:
        place: path or address that does not exist, or is an empty folder.

    Raises:
        InputError: there is something already.
    """
    _refuse_taken(place)
    beside = None if is_remote(place) else local_path(place).absolute().parent
    if beside is not None:
        beside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".shelfsort-", dir=beside) as work:
        folder = Path(work, "set")
        folder.mkdir()
        yield folder
        if beside is None:
            for name in storage.files_beneath(folder):
                storage.copy(folder / name, join(place, name))
        else:
            _in_place(folder, local_path(place).absolute())


def _refuse_taken(place: str) -> None:
    taken = storage.exists(place) and not storage.is_folder(place)
    if taken or (storage.is_folder(place) and storage.files_beneath(place)):
        raise InputError(f"{place}: is there already. Name a new folder.")


def _in_place(folder: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    os.sync()
    folder.rename(target)
