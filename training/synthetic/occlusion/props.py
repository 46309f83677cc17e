"""Simple things people hold: a few turned, boxed and bent shapes with a material each.

Each builder returns shapes in the thing's own axes, decimetres: y along it (up when it stands), z to the front.
"""

from __future__ import annotations

import numpy as np
from hpe_edge.training.synthetic.occlusion.shapes import Shape, box, sheet, tube, turned
from hpe_edge.training.synthetic.raster.materials import Texture, material
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Rgb = tuple[float, float, float]

BLACK: Rgb = (0.012, 0.012, 0.013)
STEEL: Rgb = (0.25, 0.25, 0.26)
WHITE: Rgb = (0.75, 0.74, 0.71)


def any_colour(rng: np.random.Generator) -> Rgb:
    """Black, white and grey as often as colours."""
    draw = rng.random()
    if draw < 0.35:
        grey = float(np.exp(rng.uniform(np.log(0.01), np.log(0.8))))
        return grey, grey, grey
    rgb = rng.uniform(0.01, 0.75, 3)
    return float(rgb[0]), float(rgb[1]), float(rgb[2])


def phone(white: Texture, rng: np.random.Generator) -> list[Shape]:
    """Screen at +z, lenses at the upper corner of -z."""
    width, height = rng.uniform(0.68, 0.8), rng.uniform(1.38, 1.62)
    back = material(white, any_colour(rng), specular=0.25, shininess=50)
    lens = material(white, BLACK, specular=0.8, shininess=90)
    glow = (0.25, 0.27, 0.3) if rng.random() < 0.3 else BLACK
    found = [
        box((width, height, 0.09), back),
        box((width * 0.95, height * 0.97, 0.01), material(white, glow, specular=0.7, shininess=90), (0, 0, 0.048)),
    ]
    for number in range(int(rng.integers(1, 4))):
        place = (width * 0.27, height * (0.4 - 0.12 * number), -0.06)
        found.append(box((0.13, 0.13, 0.05), lens, place))
    return found


def hand_microphone(white: Texture, rng: np.random.Generator) -> list[Shape]:
    """Origin in the ball, stick downwards."""
    radius = rng.uniform(0.22, 0.3)
    angles = np.linspace(-1.25, np.pi / 2, 9)
    ball = [(radius * np.cos(a), radius * np.sin(a)) for a in angles]
    foam = rng.random() < 0.35
    grille = any_colour(rng) if foam else (0.16, 0.16, 0.165)
    neck = -radius * 0.95
    stick = [(0.0, -2.1), (0.1, -2.1), (0.11, -1.9), (radius * 0.62, neck - 0.12), (radius * 0.62, neck)]
    band = [(radius * 0.8, neck - 0.02), (radius * 0.8, neck + 0.1)]
    return [
        turned(ball, material(white, grille, specular=0.0 if foam else 0.25, shininess=12)),
        turned(stick, material(white, BLACK if rng.random() < 0.8 else any_colour(rng), specular=0.1)),
        turned(band, material(white, STEEL, specular=0.4, shininess=40)),
    ]


def studio_microphone(white: Texture, rng: np.random.Generator) -> list[Shape]:
    """Origin in the middle of the capsule, which faces -z; perhaps a pop filter before it; an arm to the side."""
    body = material(white, any_colour(rng), specular=0.3, shininess=30)
    radius = rng.uniform(0.2, 0.32)
    capsule = [(0.0, -0.6), (radius, -0.58), (radius, 0.3), (radius * 0.9, 0.5), (0.0, 0.62)]
    side = rng.choice([-1.0, 1.0])
    arm = np.asarray([(0, -0.55, 0.1), (0.3 * side, -1.0, 0.5), (2.0 * side, -1.7, 0.9), (5 * side, -2.6, 1.2)])
    found = [turned(capsule, body), tube(arm, 0.07, material(white, BLACK, specular=0.1))]
    if rng.random() < 0.6:
        angle = np.linspace(0, 2 * np.pi, 25)
        rim = np.stack([0.7 * np.cos(angle), 0.7 * np.sin(angle), np.full(25, -0.7)], 1)
        cloth = material(white, BLACK, opacity=float(rng.uniform(0.55, 0.9)))
        gauze = turned([(0.0, 0.0), (0.7, 0.0)], cloth)
        upright = Shape(gauze.positions[:, (0, 2, 1)] + np.asarray((0, 0, -0.7), np.float32), gauze.faces, cloth)
        found += [upright, tube(rim, 0.035, material(white, BLACK, specular=0.2))]
    return found


def vessel(white: Texture, rng: np.random.Generator) -> tuple[list[Shape], float, str]:
    """A cup, glass, can or bottle; origin in the middle of the rim, standing downwards. Also its radius, its name."""
    kind = str(rng.choice(["mug", "glass", "paper cup", "can", "bottle"]))
    row = material(white, any_colour(rng), specular=0.25, shininess=40)
    if kind == "glass":
        row = material(white, (0.85, 0.9, 0.9), opacity=0.22, specular=0.35, shininess=60)
        tall = rng.uniform(0.9, 1.5)
        drink = turned(
            [(0.0, -tall + 0.05), (0.3, -tall + 0.05), (0.34, -tall * 0.4), (0.0, -tall * 0.4)],
            material(white, tuple(rng.uniform(0.05, 0.6, 3).tolist()), opacity=0.75),
        )
        return [turned([(0.0, -tall), (0.32, -tall), (0.38, 0.0)], row), drink], 0.38, kind
    if kind == "bottle":
        tall = rng.uniform(1.8, 2.4)
        if rng.random() < 0.5:
            green = (0.02, 0.09, 0.03) if rng.random() < 0.5 else (0.09, 0.03, 0.01)
            row = material(white, green, opacity=0.9, specular=0.9, shininess=80)
        label = turned([(0.335, -tall * 0.8), (0.335, -tall * 0.5)], material(white, any_colour(rng)))
        flank = [(0.0, -tall), (0.32, -tall), (0.32, -tall * 0.4), (0.14, -tall * 0.2), (0.13, 0.0)]
        return [turned(flank, row), label], 0.13, kind
    tall = {"mug": 0.95, "paper cup": 1.1, "can": 1.2}[kind]
    foot = {"mug": 0.4, "paper cup": 0.28, "can": 0.3}[kind]
    rim = {"mug": 0.42, "paper cup": 0.4, "can": 0.27}[kind]
    found = [turned([(0.0, -tall), (foot, -tall), (rim, 0.0), (rim * 0.9, 0.0), (foot * 0.9, -tall * 0.8)], row)]
    if kind == "mug":
        angle = np.linspace(-1.4, 1.4, 9)
        ear = np.stack([0.38 + 0.28 * np.cos(angle), -0.5 + 0.3 * np.sin(angle), np.zeros(9)], 1)
        found.append(tube(ear, 0.06, row))
    return found, rim, kind


def food(white: Texture, rng: np.random.Generator) -> tuple[list[Shape], float, str]:
    """Something to bite into, round the origin; also how far its edge is, and its name."""
    kind = str(rng.choice(["apple", "burger", "ice cream"]))
    if kind == "apple":
        angles = np.linspace(-np.pi / 2, np.pi / 2, 11)
        round_ = [(0.38 * np.cos(a) * (1 + 0.1 * np.sin(a)), 0.36 * np.sin(a) - 0.08 * (a > 1.3)) for a in angles]
        skin = (rng.uniform(0.2, 0.6), rng.uniform(0.01, 0.35), 0.02)
        return [turned(round_, material(white, skin, specular=0.3, shininess=40))], 0.36, kind
    if kind == "burger":
        bun = material(white, (0.42, 0.2, 0.06), specular=0.1, wrap=0.2)
        low = turned([(0.0, -0.35), (0.5, -0.33), (0.55, -0.15), (0.0, -0.14)], bun)
        high = turned([(0.0, 0.02), (0.56, 0.03), (0.5, 0.25), (0.25, 0.38), (0.0, 0.42)], bun)
        meat = turned([(0.0, -0.15), (0.58, -0.13), (0.57, -0.05), (0.0, -0.04)], material(white, (0.06, 0.02, 0.01)))
        leaf = turned([(0.0, -0.04), (0.63, -0.06), (0.6, 0.0), (0.0, 0.03)], material(white, (0.1, 0.3, 0.04)))
        return [low, high, meat, leaf], 0.56, kind
    cone = turned([(0.0, -1.2), (0.02, -1.2), (0.25, -0.15)], material(white, (0.45, 0.25, 0.09)))
    angles = np.linspace(-0.7, np.pi / 2, 8)
    scoop = [(0.29 * np.cos(a), 0.29 * np.sin(a)) for a in angles]
    return [cone, turned(scoop, material(white, any_colour(rng), wrap=0.3))], 0.28, kind


def photo_camera(white: Texture, rng: np.random.Generator) -> list[Shape]:
    """Eyepiece at the origin, lens to +z."""
    body = material(white, BLACK if rng.random() < 0.75 else STEEL, specular=0.15)
    long = rng.uniform(0.4, 1.3)
    barrel = turned(
        [
            (0.0, 0.0),
            (0.33, 0.0),
            (0.34, long * 0.6),
            (0.37, long * 0.6),
            (0.37, long),
            (0.28, long),
            (0.24, long - 0.1),
        ],
        material(white, BLACK, specular=0.2, shininess=40),
    )
    glass = turned(
        [(0.0, long - 0.08), (0.3, long - 0.1)], material(white, (0.02, 0.015, 0.04), specular=1.0, shininess=120)
    )
    turn = np.asarray([[1, 0, 0], [0, 0, 1], [0, -1, 0]], np.float32)  # y to z
    place = np.asarray((0, -0.3, 0.75), np.float32)
    forward = [Shape(part.positions @ turn + place, part.faces, part.row) for part in (barrel, glass)]
    return [box((1.35, 0.85, 0.55), body, (0, -0.3, 0.45)), box((0.5, 0.28, 0.5), body, (0, 0.2, 0.4)), *forward]


def book(white: Texture, rng: np.random.Generator) -> list[Shape]:
    """An open book seen from its cover: back to +z, pages to -z."""
    width, height = rng.uniform(1.1, 1.6), rng.uniform(1.7, 2.3)
    cover = material(white, any_colour(rng), specular=0.05)
    pages = material(white, WHITE)
    found = []
    for side in (-1.0, 1.0):
        cosine, sine = np.cos(0.35), np.sin(0.35) * side
        turn = np.asarray([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]], np.float32)
        for thing in (
            box((width, height, 0.04), cover, (side * width / 2, 0, 0)),
            box((width * 0.95, height * 0.96, 0.14), pages, (side * width / 2, 0, -0.09)),
            box((width * 0.5, height * 0.12, 0.005), pages, (side * width / 2, height * 0.25, 0.022)),
        ):
            found.append(Shape(thing.positions @ turn.T, thing.faces, thing.row))
    return found


def paper(white: Texture, rng: np.random.Generator) -> list[Shape]:
    """A sheet or magazine in the x-y plane with lines of print."""
    width, height, bend = rng.uniform(1.5, 2.6), rng.uniform(1.8, 2.8), rng.uniform(-0.35, 0.35)
    colour = WHITE if rng.random() < 0.6 else any_colour(rng)
    found = [sheet(width, height, bend, material(white, colour))]
    ink = material(white, any_colour(rng))
    for line in range(int(rng.integers(0, 7))):
        strip = sheet(width * rng.uniform(0.4, 0.85), height * 0.04, bend * 0.6, ink)
        found.append(
            Shape(strip.positions + np.asarray((0, height * (0.38 - 0.12 * line), 0.02), np.float32), strip.faces, ink)
        )
    return found


def stick(white: Texture, rng: np.random.Generator) -> tuple[list[Shape], str]:
    """A cigarette, pen or lollipop from the origin (between the lips) along +z."""
    kind = str(rng.choice(["cigarette", "pen", "lollipop", "straw"], p=(0.4, 0.25, 0.15, 0.2)))
    if kind == "cigarette":
        parts = [(-0.1, 0.25, (0.5, 0.25, 0.08)), (0.25, 0.8, WHITE), (0.8, 0.84, (0.12, 0.1, 0.09))]
        return [_rod(start, end, 0.042, material(white, rgb)) for start, end, rgb in parts], kind
    if kind == "lollipop":
        sweet = turned(
            [(0.18 * np.cos(a), 0.18 * np.sin(a)) for a in np.linspace(-np.pi / 2, np.pi / 2, 8)],
            material(white, any_colour(rng), specular=0.6, shininess=60),
        )
        return [sweet, _rod(0.1, 0.9, 0.02, material(white, WHITE))], kind
    length = 1.4 if kind == "pen" else 1.1
    return [_rod(-0.1, length, 0.045 if kind == "pen" else 0.03, material(white, any_colour(rng), specular=0.2))], kind


def _rod(start: float, end: float, radius: float, row: FloatArray) -> Shape:
    return tube(np.asarray([(0, 0, start), (0, 0, end), (0, 0, end + 0.001)]), np.asarray([radius, radius, 0.0]), row)
