"""Which rules clean the products of a catalogue."""

from typing import Annotated

import pydantic
from pydantic import Field


class CleaningSettings(pydantic.BaseModel):
    """What is done to products when they leave the crawl database, which keeps what sources said.

    Attributes:
        mojibake: Repair text that was read in a wrong encoding, such as "schÃ¶n".
        entities: Replace HTML's entities, also twice encoded ones, such as "&amp;amp;".
        html: Make text of HTML.
        boilerplate: Remove sentences that many descriptions of one source share.
        least_products: Fewer products of a source than these share no boilerplate.
        least_share: Of the descriptions of a source that share a sentence.
        languages: Codes of ISO 639-1 such as "en". Products whose language is known to be another
            are left out; empty keeps all.
        personal_data: Whether products with an e-mail address or a telephone number are kept.
        first_of_post: Keep only the first product of what it was listed in, such as a post: the
            further ones are often advertisements.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    mojibake: bool = True
    entities: bool = True
    html: bool = True
    boilerplate: bool = True
    least_products: Annotated[int, Field(ge=2)] = 20
    least_share: Annotated[float, Field(gt=0, le=1)] = 0.05
    languages: tuple[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], ...] = ()
    personal_data: bool = True
    first_of_post: bool = False
