"""BERT's forward pass in numpy, written apart from ours, for comparison."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import erf

Dense = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Names:
    """What a checkpoint calls the parts of a layer, with the number of the layer as {}."""

    embedding_norm: str
    query: str
    key: str
    value: str
    attended: str
    attended_norm: str
    hidden: str
    output: str
    output_norm: str


def embeddings(
    ids: Sequence[Sequence[int]],
    names: Names,
    layers: int,
    summed: Callable[[Sequence[int]], np.ndarray],
    dense: Callable[[np.ndarray, str], np.ndarray],
    norm: Callable[[str], tuple[np.ndarray, np.ndarray]],
) -> np.ndarray:
    """(n, size) unit vectors: the mean of the last layer's tokens.

    Args:
        ids: tokens of each text.
        names: of the parts.
        layers: how many there are.
        summed: ids → (tokens, size) sum of token, position and type vectors.
        dense: x, name → x · weights + bias.
        norm: name → scale and offset.
    """
    lengths = [len(each) for each in ids]
    ends = np.cumsum(lengths)[:-1]

    def normalised(x: np.ndarray, name: str) -> np.ndarray:
        scale, offset = norm(name)
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12) * scale + offset

    def heads(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), 12, -1).swapaxes(0, 1)

    def attention(query: np.ndarray, key: np.ndarray, value: np.ndarray) -> np.ndarray:
        query, key, value = heads(query), heads(key), heads(value)
        scores = np.exp(query @ key.swapaxes(1, 2) / math.sqrt(query.shape[2]))
        mixed = scores / scores.sum(-1, keepdims=True) @ value
        return mixed.swapaxes(0, 1).reshape(mixed.shape[1], -1)

    x = normalised(np.concatenate([summed(each) for each in ids]), names.embedding_norm)
    for layer in range(layers):
        parts = (dense(x, each.format(layer)) for each in (names.query, names.key, names.value))
        texts = zip(*(np.split(each, ends) for each in parts), strict=True)
        mixed = dense(
            np.concatenate([attention(*each) for each in texts]), names.attended.format(layer)
        )
        x = normalised(x + mixed, names.attended_norm.format(layer))
        hidden = dense(x, names.hidden.format(layer))
        hidden = hidden * (1 + erf(hidden / math.sqrt(2))) / 2
        output = dense(hidden, names.output.format(layer))
        x = normalised(x + output, names.output_norm.format(layer))
    means = np.array([each.mean(axis=0) for each in np.split(x, ends)])
    return means / np.linalg.norm(means, axis=1, keepdims=True)
