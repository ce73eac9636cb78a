"""Starts the final fit from the live model's towers: what both know is taken over, term by term.

Each run learns its own vocabularies, and categories come and go. Rows of the tables are therefore
matched by term, and columns of the outputs by category; new ones start fresh.

Only the final fit may start warm. The live model has seen the labels of most training products, so
that towers that start from it have in effect seen the fold that they are to score: the pool, the
floors and the search for label errors would rest on scores that are too good. Cross-fits start
cold. `calibration` and `eval` stay unseen as long as both runs split products alike, which is
asked of the live model's lineage.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from shelfsort.contract.model_files import SAVED_MODEL, read_lineage
from shelfsort.core.errors import InputError
from shelfsort.core.keys import current_key, flat
from shelfsort.core.storage import exists, join, read_bytes
from shelfsort.training.settings import RENAMED, TrainingConfig
from shelfsort.training.towers import ENCODER, IMAGE

_SAME_SETTINGS = (
    "image.backbone",
    "image.backbone_weights",
    "image.units",
    "text.units",
    "text.encoder",
    "text.encoder_weights",
)


_TUNED = {
    "image.fine_tuning.layers": "the backbone",
    "text.fine_tuning.layers": "the text encoder",
}


class ColdStart(Exception):  # noqa: N818 - an outcome, not a fault
    """The live model's towers cannot be started from; the message says why."""


@dataclasses.dataclass(frozen=True)
class Terms:
    """What the rows and columns of the towers' tables stand for.

    Attributes:
        words, pieces: the vocabularies; term i has row i + 1.
        categories: in the order of the outputs.
    """

    words: Sequence[bytes]
    pieces: Sequence[bytes]
    categories: Sequence[bytes]


@dataclasses.dataclass(frozen=True)
class LiveTowers:
    """The live model's towers.

    Attributes:
        terms: their vocabularies.
        values: of the model's variables, in the order of `served_model.ServedModel.weights`.
    """

    terms: Terms
    values: Sequence[np.ndarray]

    def start(self, towers: keras.Model, terms: Terms) -> None:
        """Gives fresh towers what the live ones know.

        Args:
            towers: from `towers.build_towers`.
            terms: of `towers`.

        Raises:
            ColdStart: the live towers are built otherwise.
        """
        live = self.values[-len(towers.variables) :]
        places = {id(variable): place for place, variable in enumerate(towers.variables)}
        shared = {
            name: _shared(getattr(self.terms, name), getattr(terms, name))
            for name in ("words", "pieces", "categories")
        }
        if len(live) < len(places):
            raise ColdStart("the live model's towers have fewer variables")
        begun = [
            (
                variable,
                _taken_over(variable.numpy(), live[places[id(variable)]], axis, shared.get(kind)),
            )
            for variable, axis, kind in _roles(towers)
        ]
        for variable, values in begun:
            variable.assign(values)


def read_live_towers(
    directory: str, config: TrainingConfig, splits: Mapping[str, int]
) -> LiveTowers:
    """Reads the towers of a served model.

    Args:
        directory: of the SavedModel.
        config: settings of this run.
        splits: shares by which this run's products are split.

    Raises:
        ColdStart: there is no model, it cannot be read, or this run may not start from it.
    """
    if not exists(join(directory, SAVED_MODEL)):
        raise ColdStart("no model is live")
    try:
        _refuse_other(read_lineage(directory), config, splits)
        return LiveTowers(_terms(directory), _values(directory))
    except (tf.errors.OpError, OSError, ValueError, InputError) as error:
        raise ColdStart(f"the live model cannot be read ({error})") from error


def _refuse_other(
    lineage: Mapping[str, Any], config: TrainingConfig, splits: Mapping[str, int]
) -> None:
    if lineage.get("splits") != dict(splits):
        raise ColdStart("the live model's products were split otherwise, or it does not say how")
    recorded = flat(lineage.get("training", {}))
    theirs = {current_key(key, RENAMED): value for key, value in recorded}
    ours = dict(flat(dataclasses.asdict(config)))
    for key, network in _TUNED.items():
        if {theirs.get(key, "none"), ours[key]} != {"none"}:
            raise ColdStart(f"{network} is fine-tuned, and every tuning gives other embeddings")
    for name in _SAME_SETTINGS:
        # Models from before there were encoders do not name one.
        given = theirs.get(name, "" if name.startswith("text.encoder") else None)
        if given != ours[name]:
            raise ColdStart(f"training.{name} is {ours[name]!r}, not {given!r} as live")


def _terms(directory: str) -> Terms:
    def lines(name: str) -> list[bytes]:
        return read_bytes(join(directory, "assets", name)).splitlines()

    return Terms(lines("words"), lines("pieces"), lines("categories"))


def _values(directory: str) -> list[np.ndarray]:
    checkpoint = tf.train.load_checkpoint(join(directory, "variables", "variables"))
    known, values = checkpoint.get_variable_to_shape_map(), []
    while (name := f"weights/{len(values)}/.ATTRIBUTES/VARIABLE_VALUE") in known:
        values.append(checkpoint.get_tensor(name))
    return values


def _roles(towers: keras.Model) -> Iterator[tuple[Any, int, str]]:
    """Every trained variable, the axis along which it has a vocabulary, and which ("" for none)."""
    yield towers.get_layer("word_bag").table.embeddings, 0, "words"
    yield towers.get_layer("piece_bag").table.embeddings, 0, "pieces"
    yield towers.get_layer("price_bag").table.embeddings, 0, ""
    embedding = [tower.name for tower in (IMAGE, ENCODER) if tower.name in towers.output]
    for name in embedding:
        yield from ((variable, 0, "") for variable in towers.get_layer(f"{name}_relu").weights)
    for output in ("text", *embedding, *(f"{name}_linear" for name in embedding)):
        yield from ((variable, -1, "categories") for variable in towers.get_layer(output).weights)


def _shared(theirs: Sequence[bytes], ours: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """(m,) places here, and there, of what both know."""
    there = {term: place for place, term in enumerate(theirs)}
    pairs = [(here, there[term]) for here, term in enumerate(ours) if term in there]
    here, live = np.array(pairs, np.int64).reshape(-1, 2).T
    return here, live


def _taken_over(
    fresh: np.ndarray,
    live: np.ndarray,
    axis: int,
    shared: tuple[np.ndarray, np.ndarray] | None,
) -> np.ndarray:
    """`fresh` with the live values of what both know, along `axis`; all of them without `shared`.

    Tables of terms have a first row that stands for no term.
    """
    free = [size for number, size in enumerate(fresh.shape) if number != axis % fresh.ndim]
    kept = [size for number, size in enumerate(live.shape) if number != axis % live.ndim]
    if live.ndim != fresh.ndim or free != kept or (shared is None and live.shape != fresh.shape):
        raise ColdStart(f"the live towers have a table of {live.shape}, where {fresh.shape} is due")
    if shared is None:
        return live
    here, there = (places + (1 if axis == 0 else 0) for places in shared)
    if len(there) and there.max() >= live.shape[axis]:
        raise ColdStart("the live model's vocabularies do not belong to its towers")
    result = np.moveaxis(fresh.copy(), axis, 0)
    result[here] = np.moveaxis(live, axis, 0)[there]
    return np.moveaxis(result, 0, axis)
