"""The parts of a product that a model can answer from."""

COMBINED = "combined"
ALONE = ("text", "image")
MODALITIES = (COMBINED, *ALONE)
"""Everything that a product has, its words alone, its image alone."""


def output_name(modality: str, name: str) -> str:
    """The name of an output of `evaluate`: in `combined` the same as in every other signature."""
    return name if modality == COMBINED else f"{modality}_{name}"


def has_words(*texts: str) -> bool:
    """Whether a product has words: a title or description with a character that is not blank.

    The served graph asks for more. There, a product has words when Transform's vocabularies hold
    one of its terms (`has_text` in `components.transform.module`); a product with unknown words
    only is answered from its image. With a text encoder any letter or digit is enough.
    """
    return any(text.strip() for text in texts)
