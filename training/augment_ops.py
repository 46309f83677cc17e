"""Pixel operations of the augmentation: uint8 (H, W, 3) BGR in, the same shape out.

Each draws its strength from the generator it is given and from nothing else. They answer the
failures that photographs showed: low light, colour casts, old prints, blur, small faces,
compression, hands and other things before the face, black picture borders, a second face.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Rng = np.random.Generator

_LUMA = np.array([0.114, 0.587, 0.299], np.float32)  # BGR
_SEPIA_BGR = np.array([0.62, 0.86, 1.06], np.float32)
_NOISE_SIDE = 256
_NOISE: Floats = np.random.default_rng(0).standard_normal((_NOISE_SIDE, _NOISE_SIDE, 3)).astype(np.float32)
_CODES = np.linspace(0.0, 1.0, 256, dtype=np.float32)


def as_u8(values: Floats) -> Image:
    """Rounded and saturated."""
    return np.asarray(cv2.convertScaleAbs(np.maximum(values, 0.0)), np.uint8)


def mix_channels(image: Image, rng: Rng, grey: bool, sepia: bool) -> Image:
    """Saturation 0.3 to 1.5, or grey, or a brown print, as one 3x3 matrix."""
    saturation = 0.0 if grey or sepia else rng.uniform(0.3, 1.5)
    matrix = saturation * np.eye(3, dtype=np.float32) + (1.0 - saturation) * np.tile(_LUMA, (3, 1))
    if sepia:
        matrix *= (1.0 + rng.uniform(0.3, 1.2) * (_SEPIA_BGR - 1.0))[:, None]
    return np.asarray(cv2.transform(image, matrix.astype(np.float32)), np.uint8)


def tone(image: Image, rng: Rng, cast: float) -> Image:
    """Gamma, contrast, brightness and a white-balance cast as one table for each channel.

    cast: spread of the cast in log gain; 0 keeps the colours.
    """
    gamma = math.exp(rng.normal(0.0, 0.3))
    contrast = math.exp(rng.normal(0.0, 0.22))
    brightness = rng.normal(0.0, 0.1)
    gains = np.exp(rng.normal(0.0, cast, 3)) if cast > 0 else np.ones(3)
    curve = (_CODES**gamma - 0.45) * contrast + 0.45 + brightness
    table = np.clip(255.0 * curve[:, None] * gains, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), np.uint8)


def shade(image: Image, rng: Rng) -> Image:
    """Low-key light: a linear fall-off across the picture that can drown one side in black."""
    height, width = image.shape[:2]
    angle = rng.uniform(0.0, 2.0 * math.pi)
    x = np.linspace(-1.0, 1.0, width, dtype=np.float32) * math.cos(angle)
    y = np.linspace(-1.0, 1.0, height, dtype=np.float32) * math.sin(angle)
    slope = rng.uniform(0.5, 2.5)
    ramp = np.clip(rng.uniform(0.3, 0.9) + slope * (y[:, None] + x[None, :]), rng.uniform(0.02, 0.3), 1.3)
    return as_u8(image * ramp.astype(np.float32)[..., None])


def gaussian_blur(image: Image, rng: Rng) -> Image:
    """Defocus, sigma 0.4 to 1.8 pixels."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.8)), np.uint8)


def motion_blur(image: Image, rng: Rng) -> Image:
    """A straight smear of 3 to 9 pixels."""
    half = rng.uniform(1.0, 4.0)
    size = 2 * math.ceil(half) + 1
    angle = rng.uniform(0.0, math.pi)
    centre = size // 2
    dx, dy = half * math.cos(angle), half * math.sin(angle)
    kernel = np.zeros((size, size), np.float32)
    shift = 16  # line ends in 1/16 pixel
    ends = [tuple(round((centre + s * d) * shift) for d in (dx, dy)) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_8, 4)
    return np.asarray(cv2.filter2D(image, -1, kernel / max(kernel.sum(), 1.0)), np.uint8)


def jpeg(image: Image, rng: Rng) -> Image:
    """Compression at quality 12 to 90."""
    _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(12, 91))])
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)


def add_noise(image: Image, rng: Rng) -> Image:
    """Sensor noise, sigma 2 to 18 codes, coloured or grey."""
    height, width = image.shape[:2]
    top = rng.integers(0, _NOISE_SIDE - height + 1)
    left = rng.integers(0, _NOISE_SIDE - width + 1)
    field = _NOISE[top : top + height, left : left + width]
    if rng.random() < 0.4:
        field = field[..., :1]
    return as_u8(image + np.float32(rng.uniform(2.0, 18.0)) * field)


def low_resolution(image: Image, pixels: float, rng: Rng, code: bool, noise: bool) -> Image:
    """Shrink so that the shorter side has ``pixels``, compress or add noise there, grow back."""
    height, width = image.shape[:2]
    factor = min(1.0, pixels / min(height, width))
    size = (max(4, round(width * factor)), max(4, round(height * factor)))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    if noise:
        small = add_noise(small, rng)
    if code:
        small = jpeg(small, rng)
    up = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)[int(rng.integers(0, 3))]
    return np.asarray(cv2.resize(small, (width, height), interpolation=up), np.uint8)


def occlude(image: Image, box: Floats, donor: Image, rng: Rng) -> None:
    """Cover a part of the face box, in place, by a patch of colour, noise or another picture.

    box: (4,) x0, y0, x1, y1 in pixels of the image. donor: any other image of the same size or more.
    """
    side = max(float(box[2] - box[0]), float(box[3] - box[1]))
    centre = rng.uniform(box[:2] - 0.1 * side, box[2:] + 0.1 * side)
    axes = np.exp(rng.uniform(math.log(0.08), math.log(0.34), 2)) * side
    mask = np.zeros(image.shape[:2], np.uint8)
    angle = rng.uniform(0.0, 180.0)
    middle = (float(centre[0]), float(centre[1]))
    if rng.random() < 0.5:
        cv2.ellipse(mask, (middle, (float(2 * axes[0]), float(2 * axes[1])), angle), 1, -1)
    else:
        corners = cv2.boxPoints((middle, (float(2 * axes[0]), float(2 * axes[1])), angle))
        cv2.fillConvexPoly(mask, np.round(corners).astype(np.int32), 1)
    np.copyto(image, _occluder(image.shape, donor, rng), where=mask[..., None].astype(bool))


def _occluder(shape: tuple[int, ...], donor: Image, rng: Rng) -> Image:
    """What covers: 50 % another picture's texture (skin as often as not: a hand), else colour or noise."""
    kind = rng.random()
    if kind < 0.5:
        zoom = rng.uniform(0.6, 2.5)
        size = (max(2, round(donor.shape[1] / zoom)), max(2, round(donor.shape[0] / zoom)))
        top = int(rng.integers(0, max(1, donor.shape[0] - size[1])))
        left = int(rng.integers(0, max(1, donor.shape[1] - size[0])))
        part = donor[top : top + size[1], left : left + size[0]]
        return np.asarray(cv2.resize(part, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.uint8)
    colour = rng.integers(0, 256, 3).astype(np.float32) if kind < 0.85 else np.full(3, rng.integers(0, 60))
    sigma = np.float32(rng.uniform(0.0, 50.0) if rng.random() < 0.4 else 0.0)
    return as_u8(colour.astype(np.float32) + sigma * _NOISE[: shape[0], : shape[1]])


def cut_by_border(image: Image, box: Floats, rng: Rng) -> None:
    """The picture ends inside the crop, in place, on one side or several.

    Beyond a line that cuts up to 0.2 of the box lies black (published data pad with it), a colour, or
    the last row again, which is how ``preprocess`` continues a picture past its edge.
    """
    kind = rng.random()
    colour = 0 if kind < 0.5 else rng.integers(0, 256, 3)
    for side in rng.permutation(4)[: 1 + int(rng.integers(0, 3))]:
        axis, far = int(side) % 2, side >= 2
        extent = image.shape[1 - axis]
        low, high = float(box[axis]), float(box[axis + 2])
        reach = rng.uniform(-0.35, 0.2) * (high - low)
        line = int(np.clip(high - reach if far else low + reach, 1, extent - 1))
        along = np.moveaxis(image, 1 - axis, 0)
        fill = along[line - 1 if far else line] if kind > 0.6 else colour
        along[slice(line, None) if far else slice(0, line)] = fill


def add_neighbour(image: Image, box: Floats, donor: Image, rng: Rng) -> None:
    """A second head beside the face, in place: another picture shows beyond the box's left or right edge."""
    gap = rng.uniform(0.05, 0.35) * float(box[2] - box[0])
    if rng.random() < 0.5:
        line = max(0, min(image.shape[1], int(box[2] + gap)))
        target = image[:, line:]
        source = donor[:, donor.shape[1] // 4 :][: target.shape[0], : target.shape[1]]
        target[: source.shape[0], : source.shape[1]] = source
        return
    line = max(0, min(image.shape[1], int(box[0] - gap)))
    if line == 0:
        return
    source = donor[: image.shape[0], : 3 * donor.shape[1] // 4][:, -line:]
    image[: source.shape[0], line - source.shape[1] : line] = source
