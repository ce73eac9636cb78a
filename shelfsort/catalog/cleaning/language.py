"""The language of a text."""

import math

UNKNOWN = ""
LEAST_LETTERS = 50
LEAST_PROBABILITY = 0.9
_MOST_CHARACTERS = 2_000


def language(text: str) -> str:
    """The language of a text as a code of ISO 639-1, such as "en"; `UNKNOWN` where it is not sure.

    It is not sure of texts with fewer than 50 letters, and of those to which the model gives a
    probability below 0.9: the model takes short titles with names of brands for other languages.
    Only the first 2,000 characters count. (langid: Lui & Baldwin 2012.)
    """
    text = text[:_MOST_CHARACTERS]
    if sum(map(str.isalpha, text)) < LEAST_LETTERS:
        return UNKNOWN
    # Loading its model takes a second.
    from py3langid import rank

    (code, best), *others = rank(text)
    probability = 1 / (1 + sum(math.exp(score - best) for _, score in others))
    return str(code) if probability >= LEAST_PROBABILITY else UNKNOWN
