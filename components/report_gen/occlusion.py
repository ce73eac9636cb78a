"""A product's words again and again, each time without one of them."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import tensorflow as tf

from components.report_gen.explanations import MOST_WORDS
from shelfsort.contract.signatures import NO_PRICE, WORDS
from shelfsort.products.example import first_float, first_text
from shelfsort.products.text import as_read

WORD, DESCRIPTION, PRICE = "word", "description", "price"
_LONGEST_TEXT = 20_000
_LONGEST_WORD = 60

# Thai, Lao, Burmese, Khmer, Japanese and Chinese are written without spaces. The model reads each
# character of them as a word, see `components.transform.text`.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_CHUNK = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")


@dataclass(frozen=True)
class LeftOut:
    """What a product is shown without.

    Attributes:
        kind: WORD, DESCRIPTION or PRICE.
        word: as it stands in the text; "" for another kind.
        shown: the serialised tf.Example, which has no image.
    """

    kind: str
    word: str
    shown: bytes


@dataclass(frozen=True)
class TextOf:
    """What a product's text answer rests on.

    Attributes:
        title, description: as a person reads them.
        price: NO_PRICE where there is none.
    """

    title: str
    description: str
    price: float

    @classmethod
    def of(cls, example: tf.train.Example) -> "TextOf":
        title, description = (as_read(first_text(example, name)[:_LONGEST_TEXT]) for name in WORDS)
        return cls(title, description, first_float(example, "price", NO_PRICE))

    def shown(self) -> bytes:
        """A serialised tf.Example of nothing else."""
        example = tf.train.Example()
        for name, text in zip(WORDS, (self.title, self.description), strict=True):
            example.features.feature[name].bytes_list.value.append(text.encode("utf-8", "ignore"))
        example.features.feature["price"].float_list.value.append(self.price)
        return example.SerializeToString()

    def left_out(self) -> Iterator[LeftOut]:
        """Each different word, wherever it occurs; then the whole description, then the price."""
        for key, word in self._words().items():
            title, description = _without(self.title, key), _without(self.description, key)
            yield LeftOut(WORD, word, TextOf(title, description, self.price).shown())
        if self.description.strip():
            yield LeftOut(DESCRIPTION, "", TextOf(self.title, "", self.price).shown())
        if self.price != NO_PRICE:
            yield LeftOut(PRICE, "", TextOf(self.title, self.description, NO_PRICE).shown())

    def _words(self) -> dict[str, str]:
        """By what makes words equal, the words as they first occur."""
        found: dict[str, str] = {}
        for text in (self.title, self.description):
            for chunk in _CHUNK.finditer(text):
                if len(found) == MOST_WORDS:
                    return found
                if key := _key(chunk[0]):
                    found.setdefault(key, _bare(chunk[0])[:_LONGEST_WORD])
        return found


def _without(text: str, key: str) -> str:
    return _CHUNK.sub(lambda chunk: " " if _key(chunk[0]) == key else chunk[0], text)


def _key(word: str) -> str:
    """Letters, marks and digits, in which case does not count."""
    return "".join(filter(_counts, word)).casefold()


def _bare(word: str) -> str:
    """The word without what stands around it, such as brackets and full stops."""
    places = [place for place, character in enumerate(word) if _counts(character)]
    return word[places[0] : places[-1] + 1]


def _counts(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"
