"""An image set as Kaggle takes it: a folder by category, a table, and `dataset-metadata.json`.

The file's form and the names of licences: github.com/Kaggle/kaggle-cli, docs/datasets_metadata.md.
"""

import csv
import importlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shelfsort.catalog.output.data_card import data_card
from shelfsort.catalog.output.image_set import NO_LICENCE, Contents, Item, items, new_folder
from shelfsort.catalog.output.pictures import Pictures
from shelfsort.catalog.output.selection import Chosen
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.files import write_json
from shelfsort.core.spreadsheets import as_cell

TABLE, METADATA, IMAGES = "products.csv", "dataset-metadata.json", "images"
_MODULE = "kaggle.api.kaggle_api_extended"
_CREDENTIALS = ("KAGGLE_USERNAME", "KAGGLE_KEY")
_ID = re.compile(r"[A-Za-z0-9-]{1,50}/[a-z0-9-]{3,50}")
_TITLE, _SUBTITLE = (6, 50), (20, 80)
_LICENCES = {
    name.lower(): name
    for name in (
        *("CC0-1.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC-BY-NC-SA-4.0", "GPL-2.0", "ODbL-1.0"),
        *("DbCL-1.0", "copyright-authors", "CC-BY-4.0", "CC-BY-NC-4.0", "PDDL", "CC-BY-3.0"),
        *("CC-BY-3.0-IGO", "US-Government-Works", "CC-BY-NC-SA-3.0-IGO", "CDLA-Permissive-1.0"),
        *("CDLA-Sharing-1.0", "CC-BY-ND-4.0", "CC-BY-NC-ND-4.0", "ODC-BY-1.0", "LGPL-3.0"),
        *("AGPL-3.0", "FDL-1.3", "EU-ODP-Legal-Notice", "apache-2.0", "GPL-3.0"),
    )
}
_COLUMNS = {
    "id": ("string", "source and the product's id there"),
    "category": ("string", "path of the leaf"),
    "image": ("string", "file in this set"),
    "title": ("string", "as its source wrote it; after ' if a spreadsheet would calculate it"),
    "description": ("string", "likewise"),
    "price": ("numeric", "empty where it is not known"),
    "currency": ("string", "ISO 4217"),
    "source": ("string", "name of the source"),
    "licence": ("string", "of the source's texts and pictures"),
    "image_url": ("url", "where the picture was fetched; empty for one of no public address"),
    "width": ("integer", "of the picture, in pixels"),
    "height": ("integer", "of the picture, in pixels"),
    "sha256": ("string", "of the picture's bytes"),
}


_TEXTS = ("id", "title", "description", "currency", "source", "licence")


@dataclass(frozen=True)
class KaggleNames:
    """What Kaggle calls the set.

    Attributes:
        id: `OWNER/NAME`, in the letters that Kaggle allows.
        title: 6 to 50 characters.
    """

    id: str
    title: str

    def __post_init__(self) -> None:
        """Raises InputError where Kaggle would refuse a name."""
        if not _ID.fullmatch(self.id):
            raise InputError(
                f"--dataset {self.id}: Kaggle takes OWNER/NAME, with 3 to 50 small letters, digits "
                "and hyphens as NAME. Correct it."
            )
        least, most = _TITLE
        if not least <= len(self.title) <= most:
            raise InputError(f"--title: Kaggle takes {least} to {most} characters. Correct it.")


def write_kaggle(
    place: str, products: Iterable[Chosen], pictures: Pictures, names: KaggleNames
) -> Contents:
    """Writes the set, whole or not at all.

    Args:
        place: folder that does not exist yet.
        products: each with a leaf and a picture.
        pictures: the store.
        names: of the set.

    Returns:
        What was written; nothing is where there was no product.

    Raises:
        InputError: there is something at `place`.
    """
    contents = Contents()
    with new_folder(place) as folder:
        with (folder / TABLE).open("w", encoding="utf-8", newline="") as stream:
            table = csv.DictWriter(stream, list(_COLUMNS), lineterminator="\n")
            table.writeheader()
            for item in items(products, pictures, contents):
                _write_picture(folder / IMAGES / item.file, item.content)
                table.writerow(_row(item))
        write_json(folder / METADATA, _metadata(names, contents))
    return contents


def kaggle_api() -> Any:
    """Kaggle's own client, which looks for its credentials when it uploads.

    Raises:
        InputError: its package or the credentials are missing.
    """
    if missing := [name for name in _CREDENTIALS if not os.environ.get(name)]:
        raise InputError(f"--push kaggle: {missing[0]} is not in the environment. Set it.")
    try:
        # The package asks for credentials as soon as it is imported.
        return importlib.import_module(_MODULE).KaggleApi()
    except ModuleNotFoundError as error:
        raise InputError("--push kaggle: needs a package. Run: pip install kaggle") from error


def push_kaggle(api: Any, folder: str, notes: str = "") -> None:
    """Uploads a written set.

    Args:
        api: of Kaggle.
        folder: of the set, on this machine.
        notes: about a new version of a data set that is there; "" makes a private data set.

    Raises:
        RunFailed: Kaggle refuses; the set stays in its folder.
    """
    options: dict[str, Any] = {"quiet": True, "convert_to_csv": False, "dir_mode": "zip"}
    try:
        api.authenticate()
        if notes:
            answer = api.dataset_create_version(folder, notes, **options)
        else:
            answer = api.dataset_create_new(folder, public=False, **options)
    # Its client raises what each of its versions likes; the words may hold the request's headers.
    except Exception as error:
        raise RunFailed(_refused(type(error).__name__, folder, notes)) from error
    if said := getattr(answer, "error", ""):
        raise RunFailed(_refused(said, folder, notes))


def _refused(why: str, folder: str, notes: str) -> str:
    verb = "version -m NOTES" if notes else "create"
    again = f"kaggle datasets {verb} -p {folder} --dir-mode zip"
    return f"Kaggle did not take the set: {why}. It is in {folder}; upload it with: {again}"


def _write_picture(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _row(item: Item) -> dict[str, Any]:
    product, picture = item.product, item.picture
    texts = {name: as_cell(getattr(product, name)) for name in _TEXTS}
    return {
        **texts,
        "category": as_cell(product.label or ""),
        "image": f"{IMAGES}/{item.file}",
        "price": "" if product.price is None else product.price,
        "image_url": picture.public_url,
        "width": picture.width,
        "height": picture.height,
        "sha256": picture.digest,
    }


def _metadata(names: KaggleNames, contents: Contents) -> dict[str, Any]:
    subtitle = f"{contents.products:,} products in {len(contents.categories):,} categories"
    return {
        "title": names.title,
        "subtitle": f"{subtitle}, each with a picture"[: _SUBTITLE[1]],
        "description": data_card(names.title, contents),
        "id": names.id,
        "licenses": [{"name": kaggle_licence(contents.licences)}],
        "resources": [
            {
                "path": TABLE,
                "description": "A line for each product.",
                "schema": {
                    "fields": [
                        {"name": name, "description": meaning, "type": kind}
                        for name, (kind, meaning) in _COLUMNS.items()
                    ]
                },
            }
        ],
    }


def kaggle_licence(licences: list[str]) -> str:
    """Kaggle's name of the one licence; "other" for several, which the description lists."""
    if licences in ([], [NO_LICENCE]):
        return "unknown"
    return _LICENCES.get(licences[0].lower(), "other") if len(licences) == 1 else "other"
