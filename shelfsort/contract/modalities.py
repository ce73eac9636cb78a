"""What of a product a model answers from: all there is, its words alone, or its picture alone."""

MODES = ("combined", "text", "image")


def output_name(mode: str, name: str) -> str:
    """How `evaluate` calls an output in a mode: in `combined` as every other signature does."""
    return name if mode == "combined" else f"{mode}_{name}"
