"""A folder of images by category: each folder is a category, each image in it a product."""

import posixpath
from collections.abc import Iterator

from shelfsort.core.errors import InputError
from shelfsort.core.storage import files_beneath
from shelfsort.products.tables.rows import Row

_SUFFIXES = frozenset(
    f".{name}"
    for name in ("jpg", "jpeg", "jpe", "jfif", "png", "gif", "bmp", "webp", "avif", "heic", "heif")
) | {".tif", ".tiff"}
SEPARATOR = " > "


def images_beneath(folder: str) -> list[str]:
    """Images in folders of `folder`, relative to it, sorted; hidden ones are left out."""
    return [name for name in _images(folder) if "/" in name]


def images_in(folder: str) -> list[str]:
    """Names of the images that lie in `folder` itself, sorted; hidden ones are left out."""
    return [name for name in _images(folder) if "/" not in name]


def image_rows(folder: str) -> Iterator[Row]:
    """A row for each image: its path as `id` and `image`, its folders as `category`.

    Images are relative to the folder above, which is where a reader of `folder` looks.

    Raises:
        InputError: there is no image.
    """
    name = posixpath.basename(folder.rstrip("/"))
    found = images_beneath(folder)
    if not found:
        raise InputError(f"{folder}: no images in folders. Give each category a folder of images.")
    for number, image in enumerate(found, start=1):
        category = SEPARATOR.join(posixpath.dirname(image).split("/"))
        yield Row(number, {"id": image, "image": f"{name}/{image}", "category": category})


def unlabelled_image_rows(folder: str) -> Iterator[Row]:
    """As `image_rows`, but its own images count as well, and folders name no category.

    Raises:
        InputError: there is no image.
    """
    name = posixpath.basename(folder.rstrip("/"))
    found = _images(folder)
    if not found:
        raise InputError(f"{folder}: no images, tables or manifests. Give a folder that has some.")
    for number, image in enumerate(found, start=1):
        yield Row(number, {"id": image, "image": f"{name}/{image}"})


def _images(folder: str) -> list[str]:
    return [
        name
        for name in files_beneath(folder)
        if posixpath.splitext(name)[1].lower() in _SUFFIXES
        and not any(part.startswith(".") for part in name.split("/"))
    ]
