"""Reads YAML from outside: each key with its line, and nothing that could exhaust the reader."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from yaml.error import MarkedYAMLError
from yaml.reader import ReaderError

from shelfsort.core import storage
from shelfsort.core.errors import InputError

Keys = tuple[str, ...]
MAX_BYTES = 4 << 20
MAX_VALUES = 500_000
"""Most values of a document, those that an alias stands for counted each time."""
MAX_DEPTH = 60
_CORRECT = "Correct the YAML."


@dataclasses.dataclass(frozen=True)
class Document:
    """A YAML document.

    Attributes:
        value: in plain Python types; None for an empty document.
        lines: line of each key and of each item of a list, from 1, by the keys and the numbers,
            from "0", that lead to it. What an alias stands for has the lines of its anchor only.
    """

    value: Any
    lines: Mapping[Keys, int] = dataclasses.field(default_factory=dict)


def read_mapping(path: str) -> Document:
    """Reads a file that holds one mapping, which may be empty.

    Raises:
        InputError: it cannot be read or is no such file; the message names the line.
    """
    return parse_mapping(_text(path, "Name a YAML file."), path)


def read_documents(path: str, remedy: str = _CORRECT) -> list[Document]:
    """Reads a file of one document or more.

    Args:
        path: of the file.
        remedy: ends the message of an error.

    Raises:
        InputError: it cannot be read or is no YAML; the message names the line.
    """
    return _parse(_text(path, remedy), f"{path}:", remedy)


def parse_mapping(text: str, name: str) -> Document:
    """Reads one mapping, which may be empty; errors begin with `name` and the line.

    Raises:
        InputError: the text is something else, or no YAML.
    """
    documents = [each for each in _parse(text, f"{name}:", _CORRECT) if each.value is not None]
    if len(documents) > 1 or not all(isinstance(each.value, dict) for each in documents):
        raise InputError(f"{name}:1: one mapping is expected, e.g. 'name: shelfsort'.")
    return documents[0] if documents else Document({})


def parse_value(text: str, name: str) -> Any:
    """Reads one value; errors begin with `name`.

    Raises:
        InputError: the text is no YAML, or several documents.
    """
    documents = _parse(text, f"{name}: line ", "Quote the value.")
    if len(documents) > 1:
        raise InputError(f"{name}: one value is expected. Quote the value.")
    return documents[0].value if documents else None


def _text(path: str, remedy: str) -> str:
    try:
        content = storage.read_bytes(storage.local_path(path), MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise InputError(f"{path}: is larger than {MAX_BYTES >> 20} MiB. {remedy}")
        return content.decode("utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}). {remedy}") from error


def _parse(text: str, where: str, remedy: str) -> list[Document]:
    """All documents of a text; an error begins with `where` and the line."""
    try:
        loader = _Loader(text)
        documents = []
        while loader.check_node():
            node: Any = loader.get_node()
            documents.append(Document(loader.construct_document(node), dict(_lines(node))))
        return documents
    except yaml.YAMLError as error:
        line, problem = _explained(error, text)
        raise InputError(f"{where}{line}: {problem}. {remedy}") from error


def _explained(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """The line of an error, from 1, and what is wrong there."""
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        return (mark.line + 1 if mark else 1), said
    if isinstance(error, ReaderError):
        return text.count("\n", 0, error.position) + 1, error.reason
    return 1, "is no YAML"


def _lines(node: yaml.Node) -> Iterator[tuple[Keys, int]]:
    seen: set[int] = set()
    waiting: list[tuple[Keys, yaml.Node]] = [((), node)]
    while waiting:
        keys, current = waiting.pop()
        if isinstance(current, yaml.ScalarNode) or id(current) in seen:
            continue
        seen.add(id(current))
        for name, named, value in _inner(current):
            here = (*keys, name)
            waiting.append((here, value))
            yield here, named.start_mark.line + 1


def _inner(node: yaml.Node) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """The values in a mapping or list: key or number, the node that stands first, the value."""
    if isinstance(node, yaml.MappingNode):
        yield from ((str(key.value), key, value) for key, value in node.value)
    else:
        yield from ((str(number), each, each) for number, each in enumerate(node.value))


class _Loader(yaml.SafeLoader):
    """Refuses keys given twice, values that contain themselves, and documents without measure."""

    def __init__(self, text: str):
        super().__init__(text)
        self._depth = 0
        self._extents: dict[int, tuple[int, int]] = {}

    def compose_document(self) -> Any:
        self._extents = {}
        return super().compose_document()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> Any:
        event = self.peek_event()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _refused("nested too deeply", event)
        node: Any = super().compose_node(parent, index)
        self._depth -= 1
        if not isinstance(event, yaml.AliasEvent):
            self._extents[id(node)] = self._extent(node)
        elif id(node) not in self._extents:
            raise _refused(f"{event.anchor!r} contains itself", event)
        values, depth = self._extents[id(node)]
        if values > MAX_VALUES or depth > MAX_DEPTH:
            raise _refused(f"more than {MAX_VALUES:,} values, or nested too deeply", event)
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refused("a key is a list or a mapping", key)
            if (earlier := lines.get((key.tag, key.value))) is not None:
                raise _refused(f"{_short(key.value)} is given twice, first in line {earlier}", key)
            lines[key.tag, key.value] = key.start_mark.line + 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            kind = node.tag.rpartition(":")[2]
            raise _refused(f"{_short(node.value)} is no {kind}", node) from error

    def _extent(self, node: yaml.Node) -> tuple[int, int]:
        """Number of values in a node, and how deep they are nested."""
        if isinstance(node, yaml.ScalarNode):
            return 1, 1
        inner = node.value
        if isinstance(node, yaml.MappingNode):
            inner = [part for pair in node.value for part in pair]
        extents = [self._extents[id(part)] for part in inner]
        return 1 + sum(values for values, _ in extents), 1 + max((d for _, d in extents), default=0)


def _short(value: Any) -> str:
    return repr(str(value)[:60])


def _refused(problem: str, at: Any) -> MarkedYAMLError:
    return MarkedYAMLError(problem=problem, problem_mark=at.start_mark)
