"""Reads a file of rules: YAML, each condition with its line."""

import hashlib
import posixpath
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from shelfsort.contract.targets import percent_of
from shelfsort.core.errors import InputError
from shelfsort.core.settings import line_of, validated
from shelfsort.core.storage import absolute, is_remote, join, read_input
from shelfsort.core.yaml import Document, parse_mapping
from shelfsort.decisions.rules.boxes import HIGHEST, LOWEST, Cut
from shelfsort.decisions.rules.model import NOT_ACCEPTED, Rule, Rules, Then
from shelfsort.products.taxonomy import Taxonomy, UnknownLabel

MAX_RULES = 2_000
_MOST_BYTES = 1 << 20
# PostgreSQL takes no NUL in a text.
_NO_NUL = r"^[^\x00]*$"
_STRICT = pydantic.ConfigDict(extra="forbid", frozen=True)
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
_Text = Annotated[str, Field(max_length=2_000, pattern=_NO_NUL)]
_Share = Annotated[float, Field(ge=0, le=1, strict=True)]


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _as_text(value: Any) -> Any:
    """YAML reads 98 as a number, and `no` as false."""
    if isinstance(value, bool):
        return "yes" if value else NOT_ACCEPTED
    if not isinstance(value, int | float):
        return value
    try:
        return f"{value:g}"
    except OverflowError:
        raise ValueError("the number is too large") from None


_Scalar = str | float | bool
_Value = Annotated[
    str,
    pydantic.BeforeValidator(_as_text, json_schema_input_type=_Scalar),
    Field(max_length=200, pattern=_NO_NUL),
]
_Values = Annotated[
    list[_Value],
    pydantic.BeforeValidator(_listed, json_schema_input_type=_Scalar | list[_Scalar]),
    Field(min_length=1),
]


class _Score(pydantic.BaseModel):
    """Scores that a rule matches.

    Attributes:
        at_least: This score and higher ones.
        above: Higher scores only.
        at_most: This score and lower ones.
        below: Lower scores only.
    """

    model_config = _STRICT

    at_least: _Share | None = None
    above: _Share | None = None
    at_most: _Share | None = None
    below: _Share | None = None

    @pydantic.model_validator(mode="after")
    def _one_of_each(self) -> "_Score":
        if None not in (self.at_least, self.above) or None not in (self.at_most, self.below):
            raise ValueError("give one lower and one upper end at most")
        if self.cuts[0] >= self.cuts[1]:
            raise ValueError("no score lies between these ends")
        return self

    @property
    def cuts(self) -> tuple[Cut, Cut]:
        """Where the scores begin and end."""
        low, high = LOWEST, HIGHEST
        if self.at_least is not None:
            low = (self.at_least, False)
        if self.above is not None:
            low = (self.above, True)
        if self.at_most is not None:
            high = (self.at_most, True)
        if self.below is not None:
            high = (self.below, False)
        return low, high


class _When(pydantic.BaseModel):
    """Conditions of a rule; all have to hold.

    Attributes:
        category: Categories by id, path or name; those beneath are meant, too.
        accepted: A target in percent: the model vouches for the category at it, or at a stricter
            one. `no`: it vouches for it at none.
        score: Probability of the category.
        fields: Permitted values by field.
    """

    model_config = _STRICT

    category: _Values | None = None
    accepted: _Value | None = None
    score: _Score = _Score()
    fields: dict[str, _Values] = {}


class _Then(pydantic.BaseModel):
    """What is decided.

    Attributes:
        outcome: Such as grant, refuse, publish or review.
        reason: For the customer.
    """

    model_config = _STRICT

    outcome: _Name
    reason: _Text = ""


class _Rule(pydantic.BaseModel):
    """A rule.

    Attributes:
        name: Unlike that of any other rule.
        when: Conditions; none: it always matches.
        then: What is decided.
    """

    model_config = _STRICT

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=_NO_NUL)]
    when: _When = _When()
    then: _Then


class RulesFile(pydantic.BaseModel):
    """A file of rules.

    Attributes:
        version: Of this form.
        taxonomy: Category tree, relative to the file.
        targets: Of the model, each from 0.5 to 1.
        fields: Fields of the input that rules ask about, each with all values it may have.
        rules: In the order in which they are tried; the first that matches decides.
        default: What is decided where no rule matches.
    """

    model_config = _STRICT

    version: Literal[1] = 1
    taxonomy: Annotated[str, Field(min_length=1)]
    targets: Annotated[list[Annotated[float, Field(ge=0.5, lt=1)]], Field(min_length=1)] = [
        0.95,
        0.98,
    ]
    fields: dict[_Name, Annotated[list[_Value], Field(min_length=1, max_length=200)]] = {}
    rules: Annotated[list[_Rule], Field(min_length=1, max_length=MAX_RULES)]
    default: _Then | None = None


def load_rules(file: str) -> Rules:
    """Reads the rules.

    Raises:
        InputError: the file is no YAML, or a rule names a category, target, field or value that
            there is not; the message names the line.
    """
    content = read_input(file, "file of rules", _MOST_BYTES)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 ({error.reason}). Save it as UTF-8.") from error
    document = parse_mapping(text, file)
    read = validated(RulesFile, file, document)
    place = read.taxonomy
    if not is_remote(place):
        place = join(posixpath.dirname(absolute(file)), place) if place[0] != "/" else place
    tree = Taxonomy.load(place)
    reader = _Reader(file, document, tree, read)
    rules = [reader.rule(number, each) for number, each in enumerate(read.rules)]
    default = None
    if read.default is not None:
        default = Then(read.default.outcome, read.default.reason, "default")
    return Rules(
        file,
        text,
        hashlib.sha256(content + tree.version.encode()).hexdigest()[:16],
        tree,
        reader.levels,
        read.fields,
        rules,
        default,
        line_of(document, ("default",)) if default else 0,
    )


class _Reader:
    """Turns what a file says into rules over the leaves of a tree."""

    def __init__(self, file: str, document: Document, tree: Taxonomy, read: RulesFile):
        self._file, self._document, self._tree = file, document, tree
        self._fields: Mapping[str, list[str]] = read.fields
        self.levels = [NOT_ACCEPTED, *map(percent_of, sorted(set(read.targets)))]
        self._lines = [
            line_of(document, ("rules", str(number))) for number in range(len(read.rules))
        ]
        self._names: dict[str, int] = {}

    def rule(self, number: int, read: _Rule) -> Rule:
        line = self._lines[number]
        if (earlier := self._names.setdefault(read.name, line)) != line:
            raise self._error(f"{read.name!r} is the name of line {earlier}, too", number, "name")
        when = read.when
        low, high = when.score.cuts
        return Rule(
            line,
            Then(read.then.outcome, read.then.reason, read.name),
            None if when.category is None else self._leaves(number, when.category),
            None if when.accepted is None else self._accepted(number, when.accepted),
            low,
            high,
            {name: self._values(number, name, given) for name, given in when.fields.items()},
        )

    def _leaves(self, number: int, labels: list[str]) -> frozenset[str]:
        try:
            named = [self._tree.named(label) for label in labels]
        except UnknownLabel as error:
            raise self._error(str(error), number, "when", "category") from error
        return frozenset(leaf for each in named for leaf in self._tree.leaves_beneath(each))

    def _accepted(self, number: int, level: str) -> frozenset[str]:
        if level not in self.levels:
            known = ", ".join(self.levels)
            raise self._error(
                f"no acceptance level {level!r} ({known})", number, "when", "accepted"
            )
        if level == NOT_ACCEPTED:
            return frozenset([level])
        return frozenset(self.levels[self.levels.index(level) :])

    def _values(self, number: int, name: str, given: list[str]) -> frozenset[str]:
        known, at = self._fields.get(name), ("when", "fields", name)
        if known is None:
            declared = ", ".join(self._fields) or "none"
            raise self._error(f"no field {name!r} (declared: {declared})", number, *at)
        for value in given:
            if value not in known:
                raise self._error(f"{name} is never {value!r} ({', '.join(known)})", number, *at)
        return frozenset(given)

    def _error(self, problem: str, number: int, *at: str) -> InputError:
        line = line_of(self._document, ("rules", str(number), *at))
        return InputError(f"{self._file}:{line}: {problem}. Correct the rule.")
