"""One product drawn alone: a function for each leaf, in units of the canvas.

Each function takes a `Pen` and a `random.Random` and draws inside the unit square (y grows
downwards). Shapes vary with the generator, and each leaf has forms that come close to its
sibling's: a wide mug seen without its handle is nearly a bowl, a chair with a low back nearly a
stool.
"""

from collections.abc import Callable
from itertools import pairwise
from random import Random

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]


def shade(colour: Colour, factor: float) -> Colour:
    """Returns `colour` times `factor`: below 1 darker, above 1 lighter; clipped to 0..255."""
    return tuple(max(0, min(255, round(part * factor))) for part in colour)


class Pen:
    """Draws in unit coordinates on a transparent square canvas.

    Attributes:
        image: RGBA, size x size.
        main, accent: the product's colours.
    """

    def __init__(self, size: int, main: Colour, accent: Colour) -> None:
        self.image = Image.new("RGBA", (size, size))
        self.main, self.accent = main, accent
        self._size = size
        self._draw = ImageDraw.Draw(self.image)

    @property
    def dark(self) -> Colour:
        return shade(self.main, 0.72)

    @property
    def light(self) -> Colour:
        return shade(self.main, 1.22)

    def _scaled(self, *values: float) -> list[float]:
        return [value * self._size for value in values]

    def polygon(self, points: list[Point], colour: Colour) -> None:
        self._draw.polygon([(x * self._size, y * self._size) for x, y in points], fill=colour)

    def ellipse(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        self._draw.ellipse(self._scaled(x0, y0, x1, y1), fill=colour)

    def box(
        self, x0: float, y0: float, x1: float, y1: float, colour: Colour, round_by: float = 0.0
    ) -> None:
        self._draw.rounded_rectangle(
            self._scaled(x0, y0, x1, y1), radius=round_by * self._size, fill=colour
        )

    def line(self, points: list[Point], colour: Colour, width: float) -> None:
        """A line with round ends and corners."""
        thick = max(1, round(width * self._size))
        pixels = [(x * self._size, y * self._size) for x, y in points]
        self._draw.line(pixels, fill=colour, width=thick, joint="curve")
        for x, y in pixels:
            half = thick / 2
            self._draw.ellipse([x - half, y - half, x + half, y + half], fill=colour)

    def ring(
        self, x0: float, y0: float, x1: float, y1: float, colour: Colour, width: float
    ) -> None:
        self._draw.ellipse(
            self._scaled(x0, y0, x1, y1), outline=colour, width=max(1, round(width * self._size))
        )

    def stripes(self, points: list[Point], y0: float, y1: float, count: int) -> None:
        """Lays `count` accent bands between y0 and y1 over what is drawn within `points`' hull."""
        left, right = min(x for x, _ in points), max(x for x, _ in points)
        bands = Image.new("RGBA", self.image.size)
        draw = ImageDraw.Draw(bands)
        step = (y1 - y0) / (2 * count)
        for band in range(count):
            top = y0 + (2 * band + 0.5) * step
            draw.rectangle(self._scaled(left, top, right, top + step), fill=self.accent)
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).polygon(
            [(x * self._size, y * self._size) for x, y in points], fill=255
        )
        self.image.paste(bands, (0, 0), _both(mask, bands.getchannel("A")))


def _both(first: Image.Image, second: Image.Image) -> Image.Image:
    return Image.composite(first, Image.new("L", first.size), second)


def bezier(points: list[Point], steps: int = 14) -> list[Point]:
    """Returns `steps + 1` points of the Bezier curve with these control points (de Casteljau)."""
    curve = []
    for step in range(steps + 1):
        t = step / steps
        row = points
        while len(row) > 1:
            row = [(a + (c - a) * t, b + (d - b) * t) for (a, b), (c, d) in pairwise(row)]
        curve.append(row[0])
    return curve


def mirrored(right: list[Point], axis: float = 0.5) -> list[Point]:
    """Returns the closed outline of a right half (from the top down) and its mirror image."""
    return right + [(2 * axis - x, y) for x, y in reversed(right)]


def _decorate(pen: Pen, rng: Random, outline: list[Point], y0: float, y1: float) -> None:
    """Bands on one product in three: pattern is no evidence for any shelf."""
    if rng.random() < 0.35:
        pen.stripes(outline, y0, y1, rng.randint(1, 4))


def mug(pen: Pen, rng: Random) -> None:
    width, top = rng.uniform(0.20, 0.30), rng.uniform(0.22, 0.36)
    foot, bottom = width * rng.uniform(0.72, 1.0), rng.uniform(0.74, 0.82)
    if rng.random() < 0.85:
        reach = 0.5 + width * rng.uniform(1.35, 1.6)
        middle = (top + bottom) / 2
        half = (bottom - top) * rng.uniform(0.24, 0.33)
        pen.ring(0.44 + width / 2, middle - half, reach, middle + half, pen.dark, 0.045)
    side = bezier([(0.5 + width, top), (0.5 + width, bottom - 0.1), (0.5 + foot, bottom)])
    outline = mirrored(side)
    pen.polygon(outline, pen.main)
    pen.ellipse(0.5 - foot, bottom - 0.035, 0.5 + foot, bottom + 0.035, pen.main)
    _decorate(pen, rng, outline, top + 0.08, bottom)
    pen.ellipse(0.5 - width, top - 0.05, 0.5 + width, top + 0.05, pen.light)
    pen.ellipse(0.5 - width * 0.88, top - 0.038, 0.5 + width * 0.88, top + 0.038, pen.dark)


def bowl(pen: Pen, rng: Random) -> None:
    width, top = rng.uniform(0.28, 0.42), rng.uniform(0.36, 0.46)
    bottom = top + width * rng.uniform(0.62, 1.05)
    foot = width * rng.uniform(0.35, 0.6)
    side = bezier([(0.5 + width, top), (0.5 + width * 0.96, bottom), (0.5 + foot, bottom)])
    outline = mirrored(side)
    pen.polygon(outline, pen.main)
    pen.box(0.5 - foot, bottom - 0.03, 0.5 + foot, bottom + 0.03, pen.dark, 0.01)
    _decorate(pen, rng, outline, top + 0.05, bottom)
    rim = rng.uniform(0.04, 0.09)
    pen.ellipse(0.5 - width, top - rim, 0.5 + width, top + rim, pen.light)
    pen.ellipse(0.5 - width * 0.9, top - rim * 0.8, 0.5 + width * 0.9, top + rim * 0.8, pen.dark)


def teapot(pen: Pen, rng: Random) -> None:
    width, height = rng.uniform(0.21, 0.27), rng.uniform(0.17, 0.25)
    middle = rng.uniform(0.54, 0.60)
    spout = bezier(
        [(0.5 - width * 0.7, middle + 0.1), (0.5 - width * 1.5, middle + 0.05), (0.13, 0.36)]
    )
    pen.line(spout, pen.dark, rng.uniform(0.045, 0.075))
    pen.ring(0.5 + width * 0.5, middle - 0.13, 0.9, middle + 0.13, pen.dark, 0.04)
    pen.ellipse(0.5 - width, middle - height, 0.5 + width, middle + height, pen.main)
    _decorate(pen, rng, mirrored([(0.56, middle - 0.1), (0.6, middle + 0.1)]), middle, middle + 0.1)
    lid = width * rng.uniform(0.5, 0.72)
    pen.ellipse(0.5 - lid, middle - height - 0.03, 0.5 + lid, middle - height + 0.07, pen.light)
    pen.ellipse(0.465, middle - height - 0.09, 0.535, middle - height - 0.02, pen.accent)
    pen.box(
        0.5 - width * 0.6,
        middle + height - 0.03,
        0.5 + width * 0.6,
        middle + height + 0.015,
        pen.dark,
    )


def _legs(pen: Pen, rng: Random, seat_y: float, half: float, floor: float) -> None:
    splay, wood = rng.uniform(0.0, 0.07), pen.accent
    for side in (-1, 1):
        near = 0.5 + side * half * 0.86
        far = 0.5 + side * half * 0.5
        pen.line([(far, seat_y), (far + side * splay * 0.6, floor - 0.06)], shade(wood, 0.7), 0.028)
        pen.line([(near, seat_y), (near + side * splay, floor)], wood, 0.034)
    if rng.random() < 0.5:
        rung = seat_y + (floor - seat_y) * rng.uniform(0.45, 0.7)
        pen.line([(0.5 - half * 0.86, rung), (0.5 + half * 0.86, rung)], shade(wood, 0.85), 0.024)


def chair(pen: Pen, rng: Random) -> None:
    half, seat_y = rng.uniform(0.19, 0.25), rng.uniform(0.52, 0.60)
    top, floor = rng.uniform(0.10, 0.36), rng.uniform(0.86, 0.92)
    _legs(pen, rng, seat_y, half, floor)
    lean = rng.uniform(-0.03, 0.03)
    if rng.random() < 0.5:
        pen.polygon(
            [
                (0.5 - half * 0.9 + lean, top),
                (0.5 + half * 0.9 + lean, top),
                (0.5 + half * 0.95, seat_y),
                (0.5 - half * 0.95, seat_y),
            ],
            pen.main,
        )
    else:
        for place in (-0.85, -0.3, 0.3, 0.85):
            foot = (0.5 + half * place, seat_y)
            pen.line([(0.5 + half * place + lean, top), foot], pen.dark, 0.028)
        pen.line([(0.5 - half * 0.9 + lean, top), (0.5 + half * 0.9 + lean, top)], pen.main, 0.06)
    if rng.random() < 0.25:
        for side in (-1, 1):
            arm = 0.5 + side * half * 1.08
            pen.line([(arm, seat_y - 0.13), (arm, seat_y)], pen.dark, 0.03)
    depth = rng.uniform(0.035, 0.06)
    pen.ellipse(0.5 - half, seat_y - depth, 0.5 + half, seat_y + depth, pen.light)


def stool(pen: Pen, rng: Random) -> None:
    half, seat_y = rng.uniform(0.15, 0.25), rng.uniform(0.28, 0.55)
    floor = rng.uniform(0.84, 0.92)
    if rng.random() < 0.18:
        pen.line(
            [(0.5 - half * 0.8, seat_y - 0.13), (0.5 + half * 0.8, seat_y - 0.13)], pen.dark, 0.05
        )
        for side in (-0.6, 0.6):
            pen.line(
                [(0.5 + half * side, seat_y - 0.12), (0.5 + half * side, seat_y)], pen.dark, 0.025
            )
    if rng.random() < 0.3:
        pen.line([(0.5, seat_y), (0.5, floor - 0.03)], pen.accent, 0.05)
        pen.ellipse(0.5 - half * 0.9, floor - 0.06, 0.5 + half * 0.9, floor, pen.accent)
    else:
        _legs(pen, rng, seat_y, half, floor)
    depth = rng.uniform(0.03, 0.06)
    pen.ellipse(0.5 - half, seat_y - depth + 0.03, 0.5 + half, seat_y + depth + 0.03, pen.dark)
    pen.ellipse(0.5 - half, seat_y - depth, 0.5 + half, seat_y + depth, pen.main)


def lamp(pen: Pen, rng: Random) -> None:
    top, shade_low = rng.uniform(0.10, 0.20), rng.uniform(0.36, 0.46)
    narrow, wide = rng.uniform(0.07, 0.17), rng.uniform(0.19, 0.29)
    floor, lean = rng.uniform(0.82, 0.92), rng.choice((0.0, 0.0, -0.13, 0.13))
    base = rng.uniform(0.12, 0.2)
    pen.line(
        bezier([(0.5 + lean, shade_low - 0.05), (0.5 - lean, 0.6), (0.5, floor)]), pen.accent, 0.035
    )
    if rng.random() < 0.45:
        pen.ellipse(0.5 - base * 0.8, floor - base * 1.6, 0.5 + base * 0.8, floor, pen.accent)
    pen.ellipse(0.5 - base, floor - 0.06, 0.5 + base, floor + 0.02, shade(pen.accent, 0.8))
    x = 0.5 + lean
    if rng.random() < 0.25:
        pen.ellipse(x - wide * 0.8, top, x + wide * 0.8, shade_low + 0.05, pen.light)
    else:
        outline = [
            (x - narrow, top),
            (x + narrow, top),
            (x + wide, shade_low),
            (x - wide, shade_low),
        ]
        pen.polygon(outline, pen.main)
        _decorate(pen, rng, outline, top, shade_low)
        pen.ellipse(x - wide, shade_low - 0.03, x + wide, shade_low + 0.03, pen.light)


def _body(rng: Random, hem: float, waist: float, flare: float) -> list[Point]:
    """The outline of a garment's trunk from the neck to the hem, without sleeves."""
    neck, shoulder = rng.uniform(0.07, 0.1), rng.uniform(0.17, 0.21)
    right = [(0.5 + neck, 0.15), (0.5 + shoulder, 0.2), (0.5 + shoulder * 0.95, 0.36)]
    return mirrored([*right, (0.5 + waist, (0.36 + hem) / 2), (0.5 + flare, hem)])


def _sleeves(pen: Pen, rng: Random, length: float, width: float) -> None:
    spread = rng.uniform(0.10, 0.17)
    for side in (-1, 1):
        shoulder = (0.5 + side * 0.16, 0.23)
        cuff = (0.5 + side * (0.16 + spread * (0.7 + length)), 0.23 + length * 0.55)
        pen.line([shoulder, cuff], pen.dark, width)


def _neckline(pen: Pen, rng: Random) -> None:
    dip = 0.15 + 2 * rng.uniform(0.03, 0.09)
    pen.polygon(bezier([(0.42, 0.155), (0.5, dip), (0.58, 0.155)]), shade(pen.main, 0.5))


def t_shirt(pen: Pen, rng: Random) -> None:
    hem, waist = rng.uniform(0.70, 0.84), rng.uniform(0.17, 0.21)
    long_sleeved = rng.random() < 0.2
    _sleeves(pen, rng, rng.uniform(0.7, 0.85) if long_sleeved else rng.uniform(0.18, 0.34), 0.12)
    outline = _body(rng, hem, waist, waist * rng.uniform(0.98, 1.12))
    pen.polygon(outline, pen.main)
    _decorate(pen, rng, outline, 0.36, hem)
    _neckline(pen, rng)
    if rng.random() < 0.35:
        pen.ellipse(0.44, 0.36, 0.56, 0.48, pen.accent)


def jacket(pen: Pen, rng: Random) -> None:
    hem, waist = rng.uniform(0.66, 0.86), rng.uniform(0.19, 0.24)
    _sleeves(pen, rng, rng.uniform(0.68, 0.9), rng.uniform(0.12, 0.15))
    outline = _body(rng, hem, waist, waist * rng.uniform(0.9, 1.05))
    pen.polygon(outline, pen.main)
    _decorate(pen, rng, outline, 0.45, hem)
    if rng.random() < 0.35:
        pen.ellipse(0.38, 0.08, 0.62, 0.24, pen.dark)
    else:
        for side in (-1, 1):
            pen.polygon(
                [(0.5, 0.34), (0.5 + side * 0.1, 0.13), (0.5 + side * 0.14, 0.27)], pen.light
            )
    if rng.random() < 0.85:
        pen.line([(0.5, 0.26), (0.5, hem - 0.01)], shade(pen.main, 0.45), 0.014)
    if rng.random() < 0.5:
        for side in (-1, 1):
            x = 0.5 + side * 0.11
            pen.line([(x - 0.04, hem - 0.14), (x + 0.04, hem - 0.14)], shade(pen.main, 0.5), 0.016)


def dress(pen: Pen, rng: Random) -> None:
    hem, waist = rng.uniform(0.78, 0.94), rng.uniform(0.11, 0.17)
    if rng.random() < 0.6:
        _sleeves(pen, rng, rng.choice((0.12, 0.25, 0.6)), 0.09)
    outline = _body(rng, hem, waist, rng.uniform(0.17, 0.34))
    pen.polygon(outline, pen.main)
    _decorate(pen, rng, outline, 0.5, hem)
    _neckline(pen, rng)
    if rng.random() < 0.55:
        y = (0.36 + hem) / 2
        pen.line([(0.5 - waist, y), (0.5 + waist, y)], pen.accent, 0.03)


def _sole(pen: Pen, rng: Random, thickness: float, heel: float) -> None:
    sole = shade(pen.accent, 0.9)
    pen.box(0.14, 0.80 - thickness, 0.86, 0.82, sole, 0.03)
    if heel:
        pen.box(0.64, 0.80, 0.86, 0.82 + heel, sole, 0.01)


def boot(pen: Pen, rng: Random) -> None:
    shaft = rng.uniform(0.14, 0.50)
    top, ankle = 0.62 - shaft, rng.uniform(0.50, 0.56)
    outline = [(ankle, top), (0.86, top), (0.84, 0.55), (0.86, 0.78), (0.14, 0.78)]
    toe = bezier([(0.14, 0.78), (0.10, 0.62), (0.34, 0.60), (ankle - 0.02, 0.52)])
    pen.polygon(outline[:-1] + toe, pen.main)
    _sole(pen, rng, rng.uniform(0.02, 0.06), rng.choice((0.0, 0.05, 0.09)))
    pen.box(ankle - 0.01, top - 0.015, 0.87, top + 0.03, pen.dark, 0.01)
    for lace in range(rng.choice((0, 3, 4))):
        y = top + 0.06 + lace * 0.06
        pen.line([(ankle, y), (ankle + 0.1, y + 0.01)], pen.accent, 0.014)


def sneaker(pen: Pen, rng: Random) -> None:
    collar = rng.uniform(0.36, 0.52)
    ankle = rng.uniform(0.50, 0.58)
    toe = bezier([(0.12, 0.78), (0.08, 0.60), (0.34, 0.60), (ankle, collar + 0.03)])
    pen.polygon([*toe, (0.72, collar + 0.07), (0.86, collar), (0.87, 0.78)], pen.main)
    _sole(pen, rng, rng.uniform(0.05, 0.10), 0.0)
    if rng.random() < 0.6:
        swoosh = bezier([(0.44, 0.62), (0.56, 0.78), (0.84, 0.56)])
        pen.line(swoosh, pen.accent, rng.uniform(0.02, 0.05))
    for lace in range(rng.choice((3, 4, 5))):
        x = 0.32 + lace * 0.05
        y = 0.60 - lace * (0.56 - collar) * 0.2
        pen.line([(x, y), (x + 0.06, y + 0.06)], pen.light, 0.014)


def sandal(pen: Pen, rng: Random) -> None:
    lift = rng.uniform(0.0, 0.14)
    pen.polygon(
        [
            *bezier([(0.12, 0.76), (0.40, 0.80), (0.55, 0.70 - lift), (0.88, 0.72 - lift)]),
            (0.88, 0.82),
            (0.12, 0.82),
        ],
        pen.accent,
    )
    strap = rng.uniform(0.04, 0.085)
    for place in rng.choice(((0.26,), (0.24, 0.40), (0.22, 0.36, 0.5))):
        arch = bezier(
            [(place, 0.76), (place + 0.03, rng.uniform(0.44, 0.56)), (place + 0.17, 0.74)]
        )
        pen.line(arch, pen.main, strap)
    if rng.random() < 0.7:
        height = rng.uniform(0.40, 0.55) - lift / 2
        pen.line(
            bezier([(0.64, 0.72), (0.76, height - 0.05), (0.87, 0.70 - lift)]), pen.dark, strap
        )


DRAW: dict[str, Callable[[Pen, Random], None]] = {
    "mugs": mug,
    "bowls": bowl,
    "teapots": teapot,
    "chairs": chair,
    "stools": stool,
    "lamps": lamp,
    "t-shirts": t_shirt,
    "jackets": jacket,
    "dresses": dress,
    "boots": boot,
    "sneakers": sneaker,
    "sandals": sandal,
}
