"""Cleans products one after the other, after one pass over all that learns what they share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shelfsort.catalog.cleaning.boilerplate import SharedSentences
from shelfsort.catalog.cleaning.language import UNKNOWN, language
from shelfsort.catalog.cleaning.settings import CleaningSettings
from shelfsort.catalog.cleaning.text import decoded, tidy, without_mojibake
from shelfsort.catalog.database.tables import product
from shelfsort.products.personal_data import has_personal_data

_ROWS = 1_000
TEXT_RULES = {
    "html": "HTML became text",
    "entities": "entities became characters",
    "mojibake": "text in a wrong encoding was repaired",
    "boilerplate": "sentences that many products share were removed",
}
"""Rules that change texts, in their order, and what they did."""


@dataclass(frozen=True)
class Cleaned:
    """The texts of a product.

    Attributes:
        title: on one line.
        description: a line for each paragraph.
        changed: by key of `TEXT_RULES` that changed one of them, the text before and after; of the
            description where both changed.
    """

    title: str
    description: str
    changed: Mapping[str, tuple[str, str]]

    @property
    def text(self) -> str:
        """Title and description, for rules that look at both."""
        return f"{self.title}\n{self.description}"


class Cleaner:
    """Applies the rules of a catalogue. The same database and settings give the same texts."""

    def __init__(self, settings: CleaningSettings, shared: SharedSentences | None = None):
        """`shared` counted the descriptions of the sources; None removes no boilerplate."""
        self._settings = settings
        self._shared = shared if settings.boilerplate else None

    @classmethod
    def of(cls, connection: Connection, settings: CleaningSettings) -> "Cleaner":
        """Counts shared sentences in one pass over the descriptions, in bounded memory."""
        if not settings.boilerplate:
            return cls(settings)
        shared, before = SharedSentences(), cls(settings)
        for source, _, description in stored_texts(connection):
            if description:
                shared.add(source, before.clean(source, "", description).description)
        return cls(settings, shared)

    def clean(self, source: str, title: str, description: str) -> Cleaned:
        """The texts of a product of a source by the rules."""
        title, of_title = self._repaired(title)
        description, of_description = self._repaired(description)
        changed = {**of_title, **of_description}
        if self._shared is not None and description:
            settings = self._settings
            after = self._shared.without(
                source, description, settings.least_products, settings.least_share
            )
            if after != description:
                changed["boilerplate"] = description, after
                description = after
        return Cleaned(" ".join(title.split()), description, changed)

    def reason(self, cleaned: Cleaned) -> str:
        """Why a product is left out: "personal_data", "language", or "" where it is not."""
        if not self._settings.personal_data and has_personal_data(cleaned.text):
            return "personal_data"
        if self._settings.languages:
            found = language(cleaned.text)
            if found != UNKNOWN and found not in self._settings.languages:
                return "language"
        return ""

    def _repaired(self, text: str) -> tuple[str, dict[str, tuple[str, str]]]:
        settings = self._settings
        after, rules = decoded(text, settings.entities, settings.html)
        changed = dict.fromkeys(rules, (text, after))
        if settings.mojibake:
            text, after = after, without_mojibake(after)
            if after != text:
                changed["mojibake"] = text, after
        return tidy(after), changed


def stored_texts(connection: Connection) -> Iterator[tuple[str, str, str]]:
    """Source, title and description of each product that its source still has, streamed."""
    statement = (
        sa.select(product.c.source, product.c.title, product.c.description)
        .where(product.c.gone.is_(None))
        .order_by(product.c.id)
    )
    found = connection.execution_options(stream_results=True).execute(statement)
    for row in found.yield_per(_ROWS):
        yield row.source, row.title, row.description
