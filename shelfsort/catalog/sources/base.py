"""What the settings of every source have."""

import re
from abc import ABC, abstractmethod
from typing import Annotated

import pydantic
from pydantic import Field

from shelfsort.catalog.contract import Contract
from shelfsort.catalog.rows import Source
from shelfsort.core.storage import placed, scheme
from shelfsort.products.images.source import OBJECT_STORES

_STORES = ", ".join(f"{name}://…" for name in sorted(OBJECT_STORES))


class Rewrite(pydantic.BaseModel):
    """A change of the addresses of a source's pictures.

    Attributes:
        pattern: Regular expression that is looked for in an address.
        replacement: What stands there instead; \\1 is the first group.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    pattern: Annotated[str, Field(min_length=1, max_length=500)]
    replacement: Annotated[str, Field(max_length=500)] = ""

    @pydantic.model_validator(mode="after")
    def _applies(self) -> "Rewrite":
        try:
            re.sub(self.pattern, self.replacement, "")
        # A reference to a group that is not there is an IndexError in some versions.
        except (re.error, IndexError) as error:
            raise ValueError(f"no regular expression with its replacement ({error})") from error
        return self


class SourceSettings(pydantic.BaseModel, ABC):
    """A source.

    Attributes:
        name: Key in the settings; set by the reader.
        folder: Where relative places start; set by the reader.
        type: Kind of source.
        licence: Of its texts and pictures.
        trusted_categories: Whether its categories may be taken as labels.
        contract: What its rows have to keep.
        rewrite: Changes of the addresses of its pictures, in order.
        image_folders: Folders of this machine and of buckets that its pictures may be in, beside
            the web. Relative addresses of pictures start at the first.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    name: str
    folder: str
    type: str
    licence: Annotated[str, Field(max_length=500)] = ""
    trusted_categories: bool = False
    contract: Contract = Contract()
    rewrite: tuple[Rewrite, ...] = ()
    image_folders: tuple[Annotated[str, Field(min_length=1)], ...] = ()

    @pydantic.field_validator("image_folders")
    @classmethod
    def _readable(cls, folders: tuple[str, ...]) -> tuple[str, ...]:
        for folder in folders:
            if scheme(folder) not in ("", "file", *OBJECT_STORES):
                raise ValueError(f"{folder}: give a path or {_STORES}")
        return folders

    @property
    def picture_folders(self) -> tuple[str, ...]:
        """`image_folders`, made absolute."""
        return tuple(placed(self.folder, each) for each in self.image_folders)

    @abstractmethod
    def open(self) -> Source:
        """The source itself.

        Raises:
            InputError: it cannot be reached or read as the settings say.
        """
