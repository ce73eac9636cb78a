"""Compares the signatures that a model declares with the served contract."""

from collections.abc import Mapping

from shelfsort.contract.signatures import Signature, signatures


def signature_problems(declared: Mapping[str, Signature], targets: tuple[float, ...]) -> list[str]:
    """Compares what a model declares with the contract.

    More signatures and more outputs are allowed; an input that clients do not know is not.

    Args:
        declared: by the model, by name.
        targets: that the model has thresholds for.
    """
    problems = []
    for name, promised in signatures(targets).items():
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
