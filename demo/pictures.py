"""A shop photograph of one product: background, clutter, pose, light and the camera's faults."""

import io
from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from demo.silhouettes import DRAW, Colour, Pen, shade

SIZE = 160
_SUPERSAMPLING = 2
_CANVAS = SIZE * _SUPERSAMPLING

COLOURS: dict[str, Colour] = {
    "red": (196, 52, 48),
    "orange": (226, 128, 46),
    "mustard": (212, 172, 56),
    "green": (70, 128, 78),
    "teal": (44, 132, 138),
    "navy": (42, 60, 104),
    "sky blue": (120, 172, 216),
    "violet": (118, 84, 150),
    "pink": (224, 148, 168),
    "brown": (124, 84, 58),
    "sand": (206, 184, 148),
    "white": (238, 236, 230),
    "grey": (138, 142, 146),
    "black": (48, 48, 52),
}
_BACKDROPS: tuple[Colour, ...] = (
    (250, 250, 248),
    (236, 232, 224),
    (222, 228, 232),
    (204, 196, 184),
    (188, 204, 196),
    (226, 206, 200),
    (112, 116, 124),
)


@dataclass(frozen=True, slots=True)
class Shot:
    """How a product is photographed.

    Attributes:
        scale: share of the picture's side that the product's canvas takes, 0..1.5.
        turn: degrees, counter-clockwise.
        shift: offset of the centre, as a share of the side, x and y.
        clutter: number of other things in the picture.
        in_front: of these, how many stand before the product.
        gain: brightness, 1 is right.
        blur: radius in pixels of the finished picture.
    """

    scale: float
    turn: float
    shift: tuple[float, float]
    clutter: int
    in_front: int
    gain: float
    blur: float


def easy_shot(rng: Random) -> Shot:
    """A studio photograph: whole, upright, well lit."""
    return Shot(
        scale=rng.uniform(0.72, 0.98),
        turn=rng.gauss(0, 5),
        shift=(rng.uniform(-0.07, 0.07), rng.uniform(-0.05, 0.05)),
        clutter=rng.choice((0, 0, 1, 1, 2)),
        in_front=0,
        gain=rng.uniform(0.88, 1.08),
        blur=0.0,
    )


def poor_shot(rng: Random) -> Shot:
    """A snapshot: small or cropped, askew, crowded, dark or out of focus."""
    return Shot(
        scale=rng.choice((rng.uniform(0.32, 0.5), rng.uniform(1.15, 1.5))),
        turn=rng.gauss(0, 28),
        shift=(rng.uniform(-0.22, 0.22), rng.uniform(-0.2, 0.2)),
        clutter=rng.randint(3, 6),
        in_front=rng.randint(1, 3),
        gain=rng.uniform(0.45, 0.85),
        blur=rng.choice((0.0, 1.0, 2.0)),
    )


def _backdrop(rng: Random) -> Image.Image:
    colour = rng.choice(_BACKDROPS)
    kind = rng.choice(("plain", "plain", "horizon", "boards", "dots"))
    image = Image.new("RGB", (_CANVAS, _CANVAS), colour)
    draw = ImageDraw.Draw(image)
    if kind == "horizon":
        floor = round(_CANVAS * rng.uniform(0.6, 0.82))
        draw.rectangle([0, floor, _CANVAS, _CANVAS], fill=shade(rng.choice(_BACKDROPS), 0.86))
    elif kind == "boards":
        board = rng.randint(28, 56)
        for left in range(0, _CANVAS, board):
            tone = shade((196, 160, 118), rng.uniform(0.88, 1.12))
            draw.rectangle([left, 0, left + board - 2, _CANVAS], fill=tone)
    elif kind == "dots":
        step, dot = rng.randint(34, 60), shade(colour, 0.9)
        for x in range(0, _CANVAS, step):
            for y in range(0, _CANVAS, step):
                draw.ellipse([x, y, x + step // 3, y + step // 3], fill=dot)
    return image


def _thing(draw: ImageDraw.ImageDraw, rng: Random) -> None:
    """Something that stands about in the picture: a box, a ball, a sign, a stick."""
    x, y = rng.uniform(0, 1) * _CANVAS, rng.uniform(0.15, 1) * _CANVAS
    reach = rng.uniform(0.06, 0.15) * _CANVAS
    colour = shade(rng.choice(list(COLOURS.values())), rng.uniform(0.8, 1.15))
    kind = rng.choice(("ball", "box", "sign", "stick"))
    if kind == "ball":
        draw.ellipse([x - reach, y - reach, x + reach, y + reach], fill=colour)
        bright = reach * 0.35
        draw.ellipse([x - bright, y - 2 * bright, x, y - bright], fill=shade(colour, 1.3))
    elif kind == "box":
        draw.rectangle([x - reach, y - reach * 0.8, x + reach, y + reach * 0.8], fill=colour)
        draw.rectangle(
            [x - reach * 0.15, y - reach * 0.8, x + reach * 0.15, y + reach * 0.8],
            fill=shade(colour, 0.75),
        )
    elif kind == "sign":
        draw.regular_polygon(
            (x, y, reach), rng.choice((3, 5, 6)), rotation=rng.uniform(0, 360), fill=colour
        )
    else:
        tilt = rng.uniform(-1, 1) * reach
        draw.line([x, y - reach * 1.6, x + tilt, y + reach * 1.6], fill=colour, width=10)


def _product(shelf_id: str, main: Colour, accent: Colour, shot: Shot, rng: Random) -> Image.Image:
    side = max(8, round(_CANVAS * shot.scale))
    pen = Pen(side, main, accent)
    DRAW[shelf_id](pen, rng)
    cut_out = pen.image
    if rng.random() < 0.5:
        cut_out = cut_out.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    # Nearest is enough, and twice as fast: the picture is scaled down afterwards.
    return cut_out.rotate(shot.turn, Image.Resampling.NEAREST, expand=True)


def _finish(image: Image.Image, shot: Shot, rng: Random) -> Image.Image:
    """Brings the picture to its size and adds what a camera adds: light, blur, grain."""
    small = image.resize((SIZE, SIZE), Image.Resampling.BOX)
    if shot.blur:
        small = small.filter(ImageFilter.GaussianBlur(shot.blur))
    grain = np.random.default_rng(rng.getrandbits(64)).integers(-7, 8, (SIZE, SIZE, 1), np.int16)
    fall_off = np.linspace(1.04, rng.uniform(0.86, 0.98), SIZE, dtype=np.float32)[:, None, None]
    pixels = np.asarray(small, np.float32) * (shot.gain * fall_off) + grain
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def photograph(shelf_id: str, colour: str, shot: Shot, rng: Random) -> Image.Image:
    """Draws one product of a shelf.

    Args:
        shelf_id: a key of `silhouettes.DRAW`.
        colour: a key of `COLOURS`.
        shot: how it is photographed.
        rng: everything else is drawn from it.

    Returns:
        An RGB picture of SIZE x SIZE pixels.
    """
    main = shade(COLOURS[colour], rng.uniform(0.9, 1.1))
    accent = rng.choice([part for name, part in COLOURS.items() if name != colour])
    image = _backdrop(rng)
    draw = ImageDraw.Draw(image)
    for _ in range(shot.clutter - shot.in_front):
        _thing(draw, rng)
    cut_out = _product(shelf_id, main, accent, shot, rng)
    centre = [round(_CANVAS * (0.5 + offset)) for offset in shot.shift]
    corner = (centre[0] - cut_out.width // 2, centre[1] - cut_out.height // 2)
    shadow = cut_out.getchannel("A").point(lambda alpha: alpha // 4)
    image.paste((30, 30, 34), (corner[0] + 7, corner[1] + 7), shadow)
    image.paste(cut_out, corner, cut_out)
    for _ in range(shot.in_front):
        _thing(draw, rng)
    return _finish(image, shot, rng)


def encode(image: Image.Image, image_format: str) -> bytes:
    """Returns the bytes of a JPEG (quality 85) or PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, image_format, **({"quality": 85} if image_format == "JPEG" else {}))
    return buffer.getvalue()
