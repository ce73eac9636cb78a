"""What a gRPC message takes once it is parsed, read from its bytes.

A field of two bytes may become a message of four hundred, and parsing lets no other thread run. So
the fields are counted first, as the wire format of Protocol Buffers lists them; texts and other
contents are skipped.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from serving.server.budget import BYTES_PER_FIELD, BYTES_PER_NUMBER
from serving.status import invalid_argument

LIGHT_BYTES = 1 << 14
"""A message up to this size is not looked at: its fields take a megabyte or two."""

_LENGTH_DELIMITED, _VARINT, _FIXED64, _FIXED32 = 2, 0, 1, 5
_GROUPS = (3, 4)
_VARINT_BYTES = 10
_FIXED64_TYPES = {
    FieldDescriptor.TYPE_DOUBLE,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
}
_FIXED32_TYPES = {
    FieldDescriptor.TYPE_FLOAT,
    FieldDescriptor.TYPE_FIXED32,
    FieldDescriptor.TYPE_SFIXED32,
}
_TEXT_TYPES = {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}

# By field number: the layout of a message, or the bytes of each number of a packed list.
Layout: TypeAlias = dict[int, Any]
_layouts: dict[str, Layout] = {}


def weigh(kind: Any, message: bytes, max_fields: int) -> int:
    """Bytes that parsing takes beyond the message's own; 0 for a small message.

    Args:
        kind: the class of the message.
        message: its bytes, valid or not.
        max_fields: it may hold.

    Raises:
        ServingError: INVALID_ARGUMENT: it holds more.
    """
    if len(message) <= LIGHT_BYTES:
        return 0
    fields, numbers = _counts(message, layout(kind.DESCRIPTOR), max_fields)
    if fields > max_fields:
        raise invalid_argument(f"The message holds more than {max_fields:,} fields, the limit")
    return BYTES_PER_FIELD * fields + BYTES_PER_NUMBER * numbers


def layout(descriptor: Descriptor) -> Mapping[int, Any]:
    """What is inside the fields of a message, by their numbers; texts are left out."""
    known = _layouts.get(descriptor.full_name)
    if known is None:
        # Before its fields: a message may hold itself.
        known = _layouts[descriptor.full_name] = {}
        for field in descriptor.fields:
            if field.message_type is not None:
                known[field.number] = layout(field.message_type)
            elif field.type not in _TEXT_TYPES:
                known[field.number] = _number_bytes(field.type)
    return known


def _number_bytes(type_: int) -> int:
    """Of one number in a packed list, at least."""
    if type_ in _FIXED64_TYPES:
        return 8
    return 4 if type_ in _FIXED32_TYPES else 1


def _counts(message: bytes, outermost: Mapping[int, Any], max_fields: int) -> tuple[int, int]:
    """Fields, and numbers in packed lists. Ends early above `max_fields`, or where the bytes are
    no message: there parsing ends, too."""
    fields = numbers = 0
    # Where each message around the current one goes on, where it ends, and what is in it.
    around: list[tuple[int, int, Mapping[int, Any]]] = [(0, len(message), outermost)]
    try:
        while around and fields <= max_fields:
            place, end, inside = around.pop()
            while place < end and fields <= max_fields:
                fields += 1
                # Nearly all keys and lengths are one byte: a call for each doubles the time.
                key = message[place]
                if key < 0x80:
                    place += 1
                else:
                    key, place = _number(message, place)
                wire_type = key & 7
                if wire_type == _LENGTH_DELIMITED:
                    length = message[place]
                    if length < 0x80:
                        place += 1
                    else:
                        length, place = _number(message, place)
                    content = inside.get(key >> 3)
                    if isinstance(content, int):
                        numbers += min(length, len(message)) // content
                    elif content is not None:
                        around.append((place + length, end, inside))
                        end, inside = min(place + length, end), content
                        continue
                    place += length
                elif wire_type == _VARINT:
                    _, place = _number(message, place)
                elif wire_type in (_FIXED64, _FIXED32):
                    place += 8 if wire_type == _FIXED64 else 4
                elif wire_type not in _GROUPS:
                    # Parsing fails in this message, and so in those around it.
                    return fields, numbers
    except IndexError:
        pass
    return fields, numbers


def _number(message: bytes, place: int) -> tuple[int, int]:
    """A base-128 number, low groups first, and the place after it.

    Raises:
        IndexError: the message ends before it does, or it is too long.
    """
    byte = message[place]
    if byte < 0x80:
        return byte, place + 1
    number = byte & 0x7F
    for count in range(1, _VARINT_BYTES):
        byte = message[place + count]
        number |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return number, place + count + 1
    raise IndexError
