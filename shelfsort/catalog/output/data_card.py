"""What an exported image set says about itself, in Markdown."""

from shelfsort.catalog.output.image_set import Contents

_SHOWN = 500


def data_card(title: str, contents: Contents) -> str:
    """The sources with their licences, and the number of products of each category.

    Args:
        title: of the set.
        contents: of the set.
    """
    products = f"{contents.products:,} products in {len(contents.categories):,} categories"
    lines = [
        f"# {_cell(title)}",
        "",
        f"{products}, each with one picture. A product's category is what its source says, mapped "
        "to one category tree. Nobody checked the labels one by one.",
        "",
        "The set is not split. Split it by groups of variants: products with the same title belong "
        "together.",
        "",
        "## Sources and licences",
        "",
        "| source | licence | products |",
        "|---|---|---|",
    ]
    lines += [
        f"| {_cell(name)} | {_cell(licence)} | {count:,} |"
        for (name, licence), count in contents.sources.most_common()
    ]
    lines += ["", "## Categories", "", "| category | products |", "|---|---|"]
    lines += [
        f"| {_cell(name)} | {count:,} |" for name, count in contents.categories.most_common(_SHOWN)
    ]
    more = len(contents.categories) - _SHOWN
    lines += ["", f"{more:,} more categories are smaller."] if more > 0 else []
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """A text of strangers in a table of Markdown: no markup, no HTML, one line."""
    line = " ".join(text.split())
    return "".join(f"\\{each}" if each in "\\`*_{}[]<>()#!|~" else each for each in line)
