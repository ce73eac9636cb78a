"""The style sheet that every page starts from: text, and colours for light and dark."""

from importlib import resources


def style_sheet() -> str:
    """The rules, as CSS."""
    return resources.files(__package__).joinpath("style.css").read_text("utf-8")
