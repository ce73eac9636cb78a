"""A SentencePiece model from the pieces of a tokeniser, their scores and a map of characters."""

import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import sentencepiece
from sentencepiece import sentencepiece_model_pb2


def sentencepiece_model(
    pieces: Sequence[str],
    scores: np.ndarray,
    characters: Mapping[str, str],
    *,
    unknown: int,
    control: Sequence[int],
) -> bytes:
    """Builds a unigram model in the format of SentencePiece (its `ModelProto`, serialised).

    Args:
        pieces: by id.
        scores: (pieces,) log-probabilities.
        characters: what each character is replaced with before pieces are looked up.
        unknown: id of the unknown piece.
        control: ids that no text yields, such as the marks of the start and the end.
    """
    model = sentencepiece_model_pb2.ModelProto()
    kinds = sentencepiece_model_pb2.ModelProto.SentencePiece
    special = {unknown: kinds.UNKNOWN, **dict.fromkeys(control, kinds.CONTROL)}
    for index, (piece, score) in enumerate(zip(pieces, scores.tolist(), strict=True)):
        model.pieces.add(piece=piece, score=score, type=special.get(index, kinds.NORMAL))
    model.trainer_spec.model_type = sentencepiece_model_pb2.TrainerSpec.UNIGRAM
    model.trainer_spec.vocab_size = len(pieces)
    model.trainer_spec.unk_id = unknown
    normaliser = model.normalizer_spec
    normaliser.name = "user_defined"
    normaliser.precompiled_charsmap = _compiled(characters)
    normaliser.add_dummy_prefix = True
    normaliser.remove_extra_whitespaces = True
    normaliser.escape_whitespaces = True
    return model.SerializeToString()


def _compiled(characters: Mapping[str, str]) -> bytes:
    """The map in SentencePiece's own form, which only its trainer makes."""
    rules = "".join(
        f"{_codes(character)}\t{_codes(replaced)}\n" for character, replaced in characters.items()
    )
    trained = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="ascii") as file:
        file.write(rules)
        file.flush()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["a b c"]),
            model_writer=trained,
            normalization_rule_tsv=str(Path(file.name)),
            model_type="char",
            vocab_size=7,
            minloglevel=2,
        )
    model = sentencepiece_model_pb2.ModelProto.FromString(trained.getvalue())
    return model.normalizer_spec.precompiled_charsmap


def _codes(text: str) -> str:
    return " ".join(f"{ord(character):X}" for character in text)
