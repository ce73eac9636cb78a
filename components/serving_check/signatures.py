"""The signatures that every served model declares: what clients were promised."""

from collections.abc import Mapping
from dataclasses import dataclass

from shelfsort.contract.modalities import MODES, output_name

PREDICTION = {
    "category": "string",
    "category_path": "string",
    "score": "float32",
    "accepted_95": "bool",
    "accepted_98": "bool",
    "answer": "string",
    "answer_level": "int64",
    "top_categories": "string",
    "top_scores": "float32",
    "threshold_version": "string",
}

EVALUATION = {
    **PREDICTION,
    "parent": "string",
    "parent_score": "float32",
    "parent_accepted_95": "bool",
    "parent_accepted_98": "bool",
}


@dataclass(frozen=True)
class Signature:
    """Names of a signature's inputs and outputs, each with its TensorFlow type's name."""

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


PROMISED = {
    "serving_default": Signature({"examples": "string"}, PREDICTION),
    "predict_raw": Signature(
        {"title": "string", "description": "string", "image": "string", "price": "float32"},
        PREDICTION,
    ),
    "classify": Signature({"inputs": "string"}, {"classes": "string", "scores": "float32"}),
    "evaluate": Signature(
        {"examples": "string"},
        {output_name(mode, name): kind for mode in MODES for name, kind in EVALUATION.items()},
    ),
}


def signature_problems(declared: Mapping[str, Signature]) -> list[str]:
    """Compares what a model declares with what was promised.

    More signatures and more outputs are allowed; an input that clients do not know is not.
    """
    problems = []
    for name, promised in PROMISED.items():
        if name not in declared:
            problems.append(f"signature {name} is missing")
            continue
        found = declared[name]
        problems += _type_problems(f"{name} input", promised.inputs, found.inputs)
        problems += _type_problems(f"{name} output", promised.outputs, found.outputs)
        problems += [
            f"{name} wants an input that was not promised: {extra}"
            for extra in sorted(found.inputs.keys() - promised.inputs.keys())
        ]
    return problems


def _type_problems(what: str, promised: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    missing = [f"{what} {name} is missing" for name in promised if name not in found]
    return missing + [
        f"{what} {name} is {found[name]}, not {kind}"
        for name, kind in promised.items()
        if name in found and found[name] != kind
    ]
