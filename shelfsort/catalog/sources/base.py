"""What the settings of every source have."""

from abc import ABC, abstractmethod
from typing import Annotated

import pydantic
from pydantic import Field

from shelfsort.catalog.contract import Contract
from shelfsort.catalog.rows import Source


class Rewrite(pydantic.BaseModel):
    """A change of the addresses of a source's pictures.

    Attributes:
        pattern: Regular expression that is looked for in an address.
        replacement: What stands there instead; \\1 is the first group.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    pattern: Annotated[str, Field(min_length=1, max_length=500)]
    replacement: Annotated[str, Field(max_length=500)] = ""


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
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    name: str
    folder: str
    type: str
    licence: Annotated[str, Field(max_length=500)] = ""
    trusted_categories: bool = False
    contract: Contract = Contract()
    rewrite: tuple[Rewrite, ...] = ()

    @abstractmethod
    def open(self) -> Source:
        """The source itself.

        Raises:
            InputError: it cannot be reached or read as the settings say.
        """
