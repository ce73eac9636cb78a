"""The typed configuration: one YAML file, every key with a default, no key that isn't known."""

import dataclasses
import difflib
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import pydantic
from pydantic import Field

from components.drift_check.settings import DriftConfig
from components.evaluator.settings import GateConfig
from components.manifest_example_gen.settings import DataConfig
from components.report_gen.settings import ReportConfig
from components.serving_check.settings import ServingCheckConfig
from components.transform.settings import TransformConfig
from pipeline.renamed_keys import RENAMED, rename_keys
from pipeline.settings import BeamConfig, KubeflowConfig
from shelfsort.contract.targets import DEFAULT_TARGETS, MAX_TARGETS, checked, target_key
from shelfsort.core.errors import InputError
from shelfsort.core.keys import current_key, flat, nested
from shelfsort.core.yaml import Document, parse_value, read_mapping
from shelfsort.training.settings import TrainingConfig
from shelfsort.training.tuning.settings import TuningConfig

Targets = Annotated[
    tuple[Annotated[float, Field(ge=0.5, lt=1)], ...],
    Field(min_length=1, max_length=MAX_TARGETS),
    pydantic.AfterValidator(checked),
]

_FOUND_OUT = (
    "data.label_attribute",
    "training.image.embedding_cache",
    "tuning.study_folder",
)
"""Settings that a run finds out by itself where they are not given."""

_SWITCHES = {
    "training.image.fine_tuning.": "training.image.fine_tuning.layers",
    "training.text.fine_tuning.": "training.text.fine_tuning.layers",
    "training.text.encoder_": "training.text.encoder",
    "tuning.": "tuning.trials",
}
"""Beginnings of settings, and the setting that switches on what they are of."""

_UNKNOWN = ("unexpected_keyword_argument", "invalid_key")
"""Pydantic's kinds of error for a key that a section has not, and for one that is no text."""


@dataclasses.dataclass(frozen=True)
class Config:
    """The model and its slices.

    Attributes:
        name: Name of the model: a folder of the serving directory, and what clients ask for.
        targets: Accuracies that decisions are guaranteed to reach: one to four. The model has
            thresholds and an output `accepted_…` for each. Its `answer` goes by the lowest one.
        slices: String features by which the evaluation is sliced, beside category and parent.
    """

    __pydantic_config__ = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False)

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")] = "shelfsort"
    targets: Targets = DEFAULT_TARGETS
    data: DataConfig = DataConfig()
    drift: DriftConfig = DriftConfig()
    transform: TransformConfig = TransformConfig()
    training: TrainingConfig = TrainingConfig()
    tuning: TuningConfig = TuningConfig()
    gate: GateConfig = GateConfig()
    slices: tuple[str, ...] = ()
    serving_check: ServingCheckConfig = ServingCheckConfig()
    report: ReportConfig = ReportConfig()
    beam: BeamConfig = BeamConfig()
    kubeflow: KubeflowConfig = KubeflowConfig()


def load_config(path: str | None = None, overrides: Sequence[str] = ()) -> Config:
    """Reads a YAML file, applies `key.key=value` overrides, and checks both.

    Keys that were renamed since the last minor release are read, with a warning.

    Args:
        path: the file; None for the defaults.
        overrides: each `dotted.key=value`, the value in YAML.

    Raises:
        InputError: the file cannot be read, a key is unknown (the nearest known one is named), or
            a value does not fit.
    """
    document = read_mapping(path) if path else Document({})
    values, lines = document.value, {".".join(keys): n for keys, n in document.lines.items()}
    place = _Places(path, lines)
    rename_keys(values, place)
    place.lines = {current_key(key, RENAMED): line for key, line in lines.items()}
    given: dict[str, str] = {}
    for override in overrides:
        key, value = _parse(override)
        new = current_key(key, RENAMED)
        if given.setdefault(new, key) != key:
            raise InputError(f"--set {key}: is the same as {given[new]}. Leave out one of the two.")
        _set(values, new, value, override)
        place.forget(new)
    try:
        config = pydantic.TypeAdapter(Config).validate_python(values)
    except pydantic.ValidationError as error:
        raise InputError(_explained(error, place)) from error
    _check_switches(values, config, place)
    _check_floors(config, place)
    _check_tuned_encoder(config, place)
    _check_beam(config.beam, place)
    return config


def to_dict(config: Any) -> dict[str, Any]:
    """A configuration (or a section of it) as plain JSON types."""
    return pydantic.TypeAdapter(type(config)).dump_python(config, mode="json")


def changed_settings(config: Config) -> dict[str, Any]:
    """The settings that differ from the defaults, by dotted key, but for what a run finds out."""
    defaults = dict(flat(to_dict(Config())))
    return {
        key: value
        for key, value in flat(to_dict(config))
        if key not in _FOUND_OUT and defaults.get(key) != value
    }


def idle_settings(config: Config) -> Iterator[str]:
    """A sentence for each setting that differs from its default and has no effect."""
    changed = changed_settings(config)
    for section, switch in _SWITCHES.items():
        if switch not in changed:
            for key in changed:
                if key.startswith(section):
                    yield f"{key} has no effect without {switch}."


def _check_switches(values: Mapping[str, Any], config: Config, place: "_Places") -> None:
    """Refuses true and false where a number belongs, which Python takes for 1 and 0."""
    read = dict(flat(to_dict(config)))
    for key, value in flat(values):
        if isinstance(value, bool) and key in read and not isinstance(read[key], bool):
            given = str(value).lower()
            raise InputError(
                f"{place(key)}: should be a number, or a text in quotes. Given: {given}"
            )


def _check_floors(config: Config, place: "_Places") -> None:
    """Refuses floors of targets that the model will not have."""
    known = [target_key(target) for target in config.targets]
    for name in ("accepted_accuracy", "coverage"):
        for key in getattr(config.gate, name):
            if key not in known:
                targets = ", ".join(map(str, config.targets))
                raise InputError(
                    f"{place(f'gate.{name}')}: has a floor for {key}, and targets are {targets}. "
                    "Remove it, or add the target."
                )


def _check_tuned_encoder(config: Config, place: "_Places") -> None:
    """Refuses the tuning of an encoder where there is none."""
    text = config.training.text
    searched = config.tuning.space.encoders if config.tuning.trials else ()
    if text.fine_tuning.layers != "none" and not any((text.encoder, *searched)):
        raise InputError(
            f"{place('training.text.fine_tuning.layers')}: there is no encoder to tune. Set "
            "training.text.encoder to minilm or e5_multilingual, or the layers to none."
        )


def _check_beam(beam: BeamConfig, place: "_Places") -> None:
    if beam == BeamConfig():
        return
    # Imports Beam, which takes seconds: not for a configuration that leaves it alone.
    from pipeline.beam_args import check_beam_args

    check_beam_args(beam.args, place("beam.args"))
    for component, args in beam.components.items():
        check_beam_args(args, place(f"beam.components.{component}"))


@dataclasses.dataclass
class _Places:
    """Says where a key stands: `file:line: key`, or just the key of an override."""

    path: str | None
    lines: Mapping[str, int]

    def __call__(self, key: str) -> str:
        if self.path and key in self.lines:
            return f"{self.path}:{self.lines[key]}: {key}"
        return f"--set {key}"

    def forget(self, key: str) -> None:
        """Takes out a key that an override has replaced, with all that lies beneath it."""
        beneath = f"{key}."
        self.lines = {
            each: line
            for each, line in self.lines.items()
            if each != key and not each.startswith(beneath)
        }


def _parse(override: str) -> tuple[str, Any]:
    """The dotted key of an override as it was given, and its value under today's keys."""
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        raise InputError(f"--set {override}: write it as section.key=value.")
    tree = nested(dotted, parse_value(text, f"--set {dotted}"))
    rename_keys(tree, "--set {}".format)
    value: Any = tree
    for key in current_key(dotted, RENAMED).split("."):
        value = value[key]
    return dotted, value


def _set(values: dict[str, Any], dotted: str, value: Any, override: str) -> None:
    *sections, key = dotted.split(".")
    for section in sections:
        if values.get(section) is None:
            values[section] = {}
        values = values[section]
        if not isinstance(values, dict):
            raise InputError(f"--set {override}: {section} is no section.")
    values[key] = value


def _explained(error: pydantic.ValidationError, place: _Places) -> str:
    """The first unknown key of a configuration, else the first value that does not fit."""
    problems = error.errors(include_url=False)
    first = min(problems, key=lambda problem: problem["type"] not in _UNKNOWN)
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] in _UNKNOWN:
        return f"{place(key)}: unknown key{_suggestion(key)}"
    # An item of a list stands where the list does.
    key = ".".join(part for part in first["loc"] if isinstance(part, str))
    said = first["msg"].removeprefix("Value error, ")
    return f"{place(key)}: {said[:1].lower()}{said[1:]}. Given: {first['input']!r}"


def _known_keys(section: type, prefix: str = "") -> Iterator[str]:
    for key, hint in typing.get_type_hints(section).items():
        yield f"{prefix}{key}"
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            yield from _known_keys(hint, f"{prefix}{key}.")


def _suggestion(key: str) -> str:
    known = list(_known_keys(Config))
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
    if not near:
        leaf = key.rsplit(".", 1)[-1]
        near = [name for name in known if name.rsplit(".", 1)[-1] == leaf]
    return f". Did you mean {near[0]!r}?" if near else f". Known sections: {', '.join(known)}"
