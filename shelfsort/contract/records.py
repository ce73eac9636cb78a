"""Records of texts and numbers, out of a document of plain values that anybody may have written."""

from typing import Any, TypeVar, get_args, get_type_hints

_Record = TypeVar("_Record")


def record_of(kind: type[_Record], document: Any) -> _Record:
    """A record, with every value checked.

    Args:
        kind: dataclass whose attributes are texts, numbers or None.
        document: value by the name of the attribute.

    Raises:
        TypeError: it is no mapping, an attribute is missing or unknown, or a value has another
            type.
    """
    made = kind(**document)
    for name, wanted in get_type_hints(kind).items():
        refuse_other(getattr(made, name), *(get_args(wanted) or (wanted,)))
    return made


def refuse_other(value: Any, *kinds: type) -> None:
    """Raises TypeError where a value is of none of these types."""
    # A whole number is a number, and a Boolean is none.
    wanted = (*kinds, int) if float in kinds else kinds
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in kinds):
        raise TypeError(f"{str(value)[:60]!r} is no {' or '.join(each.__name__ for each in kinds)}")
