"""The card of a pushed version: what it is for, how good it is, what it costs, as Markdown.

Everything comes from the version's lineage, so a card can be written wherever the model lies. The
sections follow Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from serving.versions import ModelVersion
from shelfsort.contract.calibration import Calibration, ModalityCalibration
from shelfsort.contract.figures import accepted_accuracy, coverage
from shelfsort.contract.modalities import COMBINED, MODALITIES
from shelfsort.contract.model_files import ENCODER, FINE_TUNED, LINEAGE, PRODUCTS
from shelfsort.contract.targets import accepted, percent_of
from shelfsort.core.storage import join
from shelfsort.core.terminal import one_line
from shelfsort.training.weights import REGISTRY

SERVING_COST = "serving_cost"
"""Lineage: what ServingCheck measured, as the Pusher keeps it."""
_FEW = 300
"""Eval products below which intervals are wide enough to say so."""
_NAMES = {"combined": "text and image", "text": "text only", "image": "image only"}


def model_card(model: str, version: ModelVersion) -> str:
    """Returns the card as Markdown, with the texts of the lineage escaped.

    Args:
        model: the name that the model is served under.
        version: with its lineage; what an older one does not hold is left out.

    Raises:
        InputError: the thresholds in the lineage are in no known form.
    """
    lineage = version.lineage
    where = f"{join(version.path, LINEAGE)}: thresholds"
    calibration = Calibration.from_json(lineage.get("thresholds"), where)
    lines = [f"# {_plain(model)}, version {version.number}", ""]
    lines += _identity(version)
    lines += _use(lineage)
    lines += _data(lineage)
    lines += _figures(lineage, calibration.targets)
    lines += _guarantee(calibration)
    lines += _limits(lineage, calibration)
    lines += _cost(lineage)
    lines += _weights(lineage)
    return "\n".join(lines).rstrip() + "\n"


def _identity(version: ModelVersion) -> Iterator[str]:
    lineage = version.lineage
    rows = [
        ("pushed", lineage.get("pushed")),
        ("trained", lineage.get("created")),
        ("digest of the model", lineage.get("model_digest")),
        ("code", lineage.get("git_commit")),
        ("approved by", lineage.get("rolled_back_by") or lineage.get("approved_by")),
        ("rollback to version", lineage.get("rollback_of")),
    ]
    yield from _table(["", ""], [[name, _plain(value)] for name, value in rows if value])
    for check in _list(lineage.get("approved_despite")):
        yield f"- Approved although a check failed: {_plain(check)}"
    yield ""


def _use(lineage: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Intended use", "")
    categories = lineage.get("categories")
    among = f"{categories:,} categories" if isinstance(categories, int) else "the categories"
    yield (
        f"The model finds the category of a product among {among} of one shop's tree, from title, "
        "description, price and image, or from those that a product has. A prediction that it "
        "accepts at a target accuracy needs no person. A person decides all others."
    )
    yield (
        "It is not meant for other catalogues or languages than it was trained on, nor for texts "
        "and images that are not about products."
    )
    yield ""


def _data(lineage: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Data", "")
    splits = _mapping(lineage.get("splits"))
    total = sum(each for each in splits.values() if isinstance(each, int))
    shares = ", ".join(
        f"{_plain(name)} {share / total:.0%}"
        for name, share in splits.items()
        if isinstance(share, int) and total
    )
    counts = ", ".join(
        f"{_plain(name)} {n:,}"
        for name, n in _mapping(lineage.get(PRODUCTS)).items()
        if isinstance(n, int)
    )
    rows = [
        ("products", counts),
        ("split", f"{shares}; variants of a product are in the same one" if shares else ""),
        ("digest of products, tree and images", lineage.get("manifest_digest")),
        ("version of the tree", lineage.get("taxonomy_version")),
    ]
    yield from _table(["", ""], [[name, _plain(value)] for name, value in rows if value])
    yield ""


def _figures(lineage: Mapping[str, Any], targets: Sequence[float]) -> Iterator[str]:
    yield from ("## Figures", "")
    yield "On eval products that the model never saw. Brackets show 95 % confidence intervals or"
    yield "lower bounds; variants of a product count as one observation."
    yield ""
    heads = ["modality", "n", "accuracy"]
    for target in targets:
        heads += [f"coverage at {percent_of(target)} %", "of which right"]
    rows = []
    for modality in MODALITIES:
        found = _on_eval(lineage, modality)
        if not found.get("n"):
            continue
        row = [_NAMES[modality], f"{found['n']:,}", _interval(found, "accuracy")]
        for target in targets:
            right = _bounded(found, accepted_accuracy(target))
            n = found.get(accepted(target))
            row += [
                _bounded(found, coverage(target)),
                f"{right}, n = {n:,}" if n else "none accepted",
            ]
        rows.append(row)
    yield from _table(heads, rows) if rows else ["The lineage holds no figures."]
    yield ""


def _guarantee(calibration: Calibration) -> Iterator[str]:
    yield from ("## Thresholds and guarantee", "")
    yield (
        "The accepted predictions are right in at least the target share, with the confidence "
        "below, for products like the calibration products."
    )
    yield ""
    heads = ["modality", "calibration products", "effective", "confidence", "scope", "evidence"]
    heads += [f"categories accepted at {percent_of(t)} %" for t in calibration.targets]
    rows = [
        [
            _NAMES[modality],
            f"{fitted.n:,}",
            f"{fitted.n_effective:,.0f}",
            f"{fitted.confidence:.0%}",
            _plain(fitted.scope),
            _plain(fitted.evidence.replace("_", "-")),
            *(_accepting(fitted, target) for target in calibration.targets),
        ]
        for modality in MODALITIES
        if (fitted := calibration.modalities.get(modality)) is not None
    ]
    yield from _table(heads, rows) if rows else ["The lineage holds no thresholds."]
    yield ""


def _limits(lineage: Mapping[str, Any], calibration: Calibration) -> Iterator[str]:
    yield from ("## Limits", "")
    yield "- The guarantee is about all accepted predictions together, not about each category,"
    yield "  unless the scope is `category`."
    yield "- It ends where the catalogue changes. Drift checks and audits of decisions watch it."
    yield "- Labels can be wrong, and figures are against labels."
    n = _on_eval(lineage, COMBINED).get("n")
    if isinstance(n, int) and n < _FEW:
        yield f"- Only {n:,} eval products have text and image, so the intervals are wide."
    for target in calibration.targets:
        unproven = [
            _NAMES[modality]
            for modality, fitted in calibration.modalities.items()
            if not fitted.accepts_any(target)
        ]
        if unproven:
            yield f"- At {percent_of(target)} % nothing is accepted from {', '.join(unproven)}."
    yield ""


def _cost(lineage: Mapping[str, Any]) -> Iterator[str]:
    cost = _mapping(lineage.get(SERVING_COST))
    figures = [
        ("ms a product, alone", "milliseconds_alone", 1),
        ("ms of CPU a product, alone", "cpu_milliseconds_alone", 1),
        ("ms a product, in a batch", "milliseconds_in_batch", 1),
        ("ms of CPU a product, in a batch", "cpu_milliseconds_in_batch", 1),
        ("bytes of a request", "request_bytes", 0),
        ("bytes of a response", "response_bytes", 0),
        ("bytes of the model on disk", "model_bytes", 0),
        ("MB of memory at most", "peak_memory_mb", 0),
    ]
    rows = [
        [name, f"{cost[key]:,.{digits}f}"]
        for name, key, digits in figures
        if isinstance(cost.get(key), int | float)
    ]
    if rows:
        yield from ("## Cost to serve", "")
        yield "Measured by ServingCheck on the machine of the run, without the network."
        yield ""
        yield from _table(["", ""], rows)
        yield ""


def _weights(lineage: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Weights and licences", "")
    backbone, rows = str(lineage.get("backbone") or ""), []
    if backbone:
        packaged = REGISTRY.get(backbone)
        own = _mapping(_mapping(lineage.get("training")).get("image")).get("backbone_weights")
        known = packaged if packaged and not own else None
        source = known.source if known else "a file of the site"
        tuned = ", fine-tuned on the shop's images" if lineage.get(FINE_TUNED) else ""
        licence = known.licence if known else "not recorded"
        rows.append(["image backbone", _plain(backbone), _plain(source) + tuned, _plain(licence)])
    encoder = _mapping(lineage.get(ENCODER))
    if name := encoder.get("name"):
        packaged = REGISTRY.get(str(name))
        own = _mapping(_mapping(lineage.get("training")).get("text")).get("encoder_weights")
        source = packaged.source if packaged and not own else "a file of the site"
        licence = encoder.get("licence") or "not recorded"
        tuned = ", fine-tuned on the shop's titles" if encoder.get(FINE_TUNED) else ""
        rows.append(["text encoder", _plain(name), _plain(source) + tuned, _plain(licence)])
    yield from _table(["part", "name", "weights", "licence"], rows)
    yield ""
    yield "All other weights were learnt from the shop's labelled products."


def _accepting(fitted: ModalityCalibration, target: float) -> str:
    categories = fitted.at(target).categories.values()
    some = sum(each.value is not None for each in categories)
    return f"{some:,} of {len(categories):,}"


def _on_eval(lineage: Mapping[str, Any], modality: str) -> Mapping[str, Any]:
    return _mapping(_mapping(_mapping(lineage.get("metrics")).get(modality)).get("eval"))


def _interval(found: Mapping[str, Any], name: str) -> str:
    low, high = (_percent(found.get(f"{name}_{end}")) for end in ("lower", "upper"))
    return f"{_percent(found.get(name))} ({low} to {high})"


def _bounded(found: Mapping[str, Any], name: str) -> str:
    return f"{_percent(found.get(name))} (at least {_percent(found.get(f'{name}_lower'))})"


def _percent(share: Any) -> str:
    return f"{share:.1%}".replace("%", " %") if isinstance(share, int | float) else "–"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _plain(value: Any) -> str:
    """A text of the lineage in one line, with what Markdown and HTML read in it escaped."""
    text = html.escape(one_line(str(value)), quote=False)
    for mark in "\\`*_[]|#":
        text = text.replace(mark, f"\\{mark}")
    return text


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
