"""Titles, descriptions and prices from a grammar that is as vague as shops are.

Five products in six are named by what they are. The others carry a range's name and a number,
and only their description hints at the shelf, now and then with a hint that fits a sibling too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from demo.shelves import BY_ID, SHELVES, Shelf

NAMED_SHARE = 0.82
"""Share of the titles that name what the product is."""
HINT_SHARE = 0.82
"""Share of the other products whose description hints at their own shelf."""

NOUNS: dict[str, tuple[str, ...]] = {
    "mugs": ("mug", "coffee mug", "cup", "beaker", "café au lait mug"),
    "bowls": ("bowl", "cereal bowl", "salad bowl", "dish"),
    "teapots": ("teapot", "tea pot", "pot with strainer"),
    "chairs": ("chair", "dining chair", "armchair", "seat"),
    "stools": ("stool", "bar stool", "footstool", "seat"),
    "lamps": ("lamp", "table lamp", "reading light", "desk lamp"),
    "t-shirts": ("T-shirt", "tee", "crew-neck top", "jersey top"),
    "jackets": ("jacket", "zip jacket", "blouson", "windbreaker"),
    "dresses": ("dress", "summer dress", "tunic dress", "shift dress"),
    "boots": ("boots", "ankle boots", "lace-up boots", "hikers"),
    "sneakers": ("sneakers", "trainers", "running shoes", "lace-ups"),
    "sandals": ("sandals", "slides", "strappy sandals", "summer shoes"),
}
HINTS: dict[str, tuple[str, ...]] = {
    "mugs": ("Holds 300 ml.", "One handle, fits under any machine.", "For the morning coffee."),
    "bowls": ("Deep enough for soup.", "Wide rim, 16 cm across.", "For muesli or salad."),
    "teapots": ("Pours without dripping.", "With lid and strainer, 1 litre.", "Brews for four."),
    "chairs": ("Seat height 45 cm, with backrest.", "Supports the back.", "For the dining table."),
    "stools": (
        "Fits under the bar.",
        "Seat height 65 cm, no backrest.",
        "Doubles as a side table.",
    ),
    "lamps": ("Takes an E14 bulb.", "With switch on the cable.", "Warm light, dimmable."),
    "t-shirts": ("Crew neck, short sleeves.", "Single jersey, 160 g.", "Washes at 40 degrees."),
    "jackets": ("Two-way zip and two pockets.", "Lined, wind-proof.", "With stand-up collar."),
    "dresses": ("Knee length, flared.", "Fitted waist, side zip.", "Length 98 cm."),
    "boots": ("Shaft height 14 cm.", "Lined, with lugged sole.", "Keeps feet dry in mud."),
    "sneakers": ("Cushioned midsole.", "Breathable mesh upper.", "For road and gym."),
    "sandals": ("Open toe, adjustable straps.", "Cork footbed.", "For beach and terrace."),
}
_DEPARTMENT_LINES: dict[str, tuple[str, ...]] = {
    "Kitchen": ("Dishwasher safe.", "Glazed stoneware.", "Stacks well.", "Made by hand."),
    "Furniture": (
        "Solid ash.",
        "Easy to assemble.",
        "Felt gliders included.",
        "Powder-coated steel.",
    ),
    "Clothing": ("Organic cotton.", "Regular fit.", "Model wears size M.", "Wash inside out."),
    "Footwear": ("Sizes 36 to 46.", "Runs small.", "Removable insole.", "Rubber sole."),
}
_MATERIALS: dict[str, tuple[str, ...]] = {
    "Kitchen": ("stoneware", "porcelain", "enamel", "glass"),
    "Furniture": ("oak", "ash", "steel", "rattan"),
    "Clothing": ("cotton", "linen", "wool", "denim"),
    "Footwear": ("leather", "suede", "canvas", "rubber"),
}
_SHOP_LINES = (
    "Ships in two days.",
    "A favourite of our customers.",
    "Limited edition.",
    "Free returns within 30 days.",
    "New this season.",
)
_BRANDS = ("Hallen", "Møre", "Tidewell", "Orvaro", "Quillby", "Sandgate", "Brückner", "Lumo")
_RANGES = ("Harbour", "Meadow", "Alto", "Fjord", "Nomad", "Studio", "Weekend", "Classic", "Pico")


@dataclass(frozen=True, slots=True)
class Words:
    """What the shop writes about one product.

    Attributes:
        price: None where the shop does not say.
        named: whether the title names what the product is.
    """

    title: str
    description: str
    price: float | None
    named: bool


def _pick(rng: Random, choices: Sequence[str]) -> str:
    return choices[rng.randrange(len(choices))]


def _named_title(shelf: Shelf, colour: str | None, rng: Random) -> str:
    words = [_pick(rng, _BRANDS), _pick(rng, _RANGES)]
    if rng.random() < 0.5:
        words.append(_pick(rng, _MATERIALS[shelf.department]))
    words.append(_pick(rng, NOUNS[shelf.id]))
    if colour is not None and rng.random() < 0.6:
        words.append(colour)
    return " ".join(words)


def _range_title(shelf: Shelf, colour: str | None, rng: Random) -> str:
    words = [_pick(rng, _BRANDS), _pick(rng, _RANGES)]
    if rng.random() < 0.55:
        words.append(_pick(rng, _MATERIALS[shelf.department]))
    words.append(f"No. {rng.randint(2, 99)}")
    if colour is not None and rng.random() < 0.5:
        words.append(colour)
    return " ".join(words)


def _companion_line(shelf: Shelf, rng: Random) -> str:
    """A line that names something else: what shops write to sell two things."""
    others = [other for other in SHELVES if other.id != shelf.id]
    weights = [4 if other.department == shelf.department else 1 for other in others]
    other = rng.choices(others, weights)[0]
    form = _pick(rng, ("Goes with the {} of this range.", "Also see our {}.", "Pairs with any {}."))
    return form.format(_pick(rng, NOUNS[other.id]))


def _description(shelf: Shelf, named: bool, colour: str, rng: Random) -> str:
    lines = [_pick(rng, _DEPARTMENT_LINES[shelf.department])]
    if rng.random() < (0.35 if named else HINT_SHARE):
        lines.append(_pick(rng, HINTS[shelf.id]))
    if rng.random() < 0.08:
        lines.append(_pick(rng, HINTS[BY_ID[shelf.id].lookalike]))
    if rng.random() < 0.14:
        lines.append(_companion_line(shelf, rng))
    if rng.random() < 0.4:
        lines.append(_pick(rng, _SHOP_LINES))
    if rng.random() < 0.4:
        lines.append(f"Colour: {colour}.")
    rng.shuffle(lines)
    return " ".join(lines)


def describe(
    shelf: Shelf, colour: str, rng: Random, taken: set[str], *, colour_in_title: bool = True
) -> Words:
    """Writes one product's words.

    Args:
        shelf: the shelf it stands on.
        colour: its colour's name.
        rng: every choice is drawn from it.
        taken: titles of other products, lower case; the new title is added.
        colour_in_title: False for products whose colours share one title.
    """
    named = rng.random() < NAMED_SHARE
    write_title = _named_title if named else _range_title
    title = write_title(shelf, colour if colour_in_title else None, rng)
    while title.lower() in taken:
        title = f"{write_title(shelf, colour, rng)} {rng.randint(100, 999)}"
    taken.add(title.lower())
    return Words(title, _description(shelf, named, colour, rng), _price(shelf, rng), named)


def recoloured(words: Words, shelf: Shelf, colour: str, rng: Random) -> Words:
    """Writes the same product in another colour: same title, same price."""
    return replace(words, description=_description(shelf, words.named, colour, rng))


def _price(shelf: Shelf, rng: Random) -> float | None:
    """Draws a price around the shelf's typical one; one product in sixteen has none."""
    if rng.random() < 1 / 16:
        return None
    return round(shelf.price * rng.lognormvariate(0.0, 0.35), 2)
