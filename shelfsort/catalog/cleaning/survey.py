"""What the rules do to the products of a catalogue, with examples."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from shelfsort.catalog.cleaning.cleaner import TEXT_RULES, Cleaner, stored_texts
from shelfsort.catalog.cleaning.language import language
from shelfsort.catalog.cleaning.posts import later_of_posts
from shelfsort.catalog.cleaning.settings import CleaningSettings
from shelfsort.products.personal_data import has_personal_data

EXAMPLES = 3
_MOST_CHARACTERS = 80


@dataclass(frozen=True)
class Example:
    """A text that a rule changed, around the first change.

    Attributes:
        before: as the source gave it.
        after: by the rule.
    """

    before: str
    after: str


@dataclass(frozen=True)
class Survey:
    """What the rules do.

    Attributes:
        products: number of products that their sources still have.
        changed: number of products by key of `TEXT_RULES`.
        examples: the first three of each.
        personal_data: number of products with an e-mail address or a telephone number.
        later_of_posts: number of products that are not the first of their post.
        languages: number of products by code, "" for unknown; empty where it was not asked for.
    """

    products: int
    changed: Mapping[str, int]
    examples: Mapping[str, tuple[Example, ...]]
    personal_data: int
    later_of_posts: int
    languages: Mapping[str, int]


def survey(connection: Connection, settings: CleaningSettings, languages: bool = False) -> Survey:
    """Cleans all products and counts.

    Args:
        connection: that sees one state of the database.
        settings: of the rules.
        languages: whether to find out languages, which takes about 3 ms a product.
    """
    cleaner = Cleaner.of(connection, settings)
    products = personal = 0
    changed: Counter[str] = Counter()
    examples: dict[str, list[Example]] = {rule: [] for rule in TEXT_RULES}
    spoken: Counter[str] = Counter()
    for source, title, description in stored_texts(connection):
        cleaned = cleaner.clean(source, title, description)
        products += 1
        changed.update(cleaned.changed.keys())
        personal += has_personal_data(cleaned.text)
        if languages:
            spoken[language(cleaned.text)] += 1
        for rule, texts in cleaned.changed.items():
            if len(examples[rule]) < EXAMPLES:
                examples[rule].append(_example(*texts))
    return Survey(
        products,
        {rule: changed[rule] for rule in TEXT_RULES},
        {rule: tuple(found) for rule, found in examples.items()},
        personal,
        len(later_of_posts(connection)),
        dict(spoken.most_common()),
    )


def _example(before: str, after: str) -> Example:
    """The two texts around the place where they begin to differ."""
    places = enumerate(zip(before, after, strict=False))
    least = min(len(before), len(after))
    differs = next((place for place, (a, b) in places if a != b), least)
    start = max(0, differs - _MOST_CHARACTERS // 4)
    end = start + _MOST_CHARACTERS
    return Example(before[start:end], after[start:end])
