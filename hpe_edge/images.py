"""Images as users hold them: uint8 arrays, checked and described; and image files, read with OpenCV."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast, get_args, overload

import numpy as np
from numpy.typing import NDArray

from hpe_edge.errors import InvalidArgumentError, InvalidImageError, missing_dependency

if TYPE_CHECKING:
    from types import ModuleType

ImageArray: TypeAlias = NDArray[np.uint8]
AnyImage: TypeAlias = ImageArray | tuple[ImageArray, ImageArray]
"""An image of any pixel format; a pair is nv12's planes, Y and U V."""
PackedFormat: TypeAlias = Literal["bgr8", "rgb8", "mono8", "bgra8", "rgba8", "yuyv"]
PixelFormat: TypeAlias = PackedFormat | Literal["nv12"]
PIXEL_FORMATS: Final[tuple[str, ...]] = (*get_args(PackedFormat), "nv12")

_CHANNELS: Final = {"bgr8": 3, "rgb8": 3, "bgra8": 4, "rgba8": 4, "yuyv": 2}


def describe(value: object) -> str:
    """What a thing is, for error messages.

    >>> import numpy as np
    >>> describe(np.zeros((4, 6, 3), np.uint8))
    'a uint8 array of shape (4, 6, 3)'
    >>> describe(None)
    'NoneType'
    """
    if isinstance(value, np.ndarray):
        article = "an" if str(value.dtype)[0] in "aeio" else "a"
        return f"{article} {value.dtype} array of shape {value.shape}"
    return type(value).__name__


def check_pixel_format(pixel_format: str) -> PixelFormat:
    """The pixel format, when it is one that the library reads.

    Raises:
        InvalidArgumentError: it is none of ``PIXEL_FORMATS``.
    """
    if pixel_format not in PIXEL_FORMATS:
        raise InvalidArgumentError(f"pixel_format: expected one of {PIXEL_FORMATS}, got {pixel_format!r}")
    return cast(PixelFormat, pixel_format)


@overload
def check_image(image: object, pixel_format: PackedFormat = "bgr8", argument: str = "image") -> ImageArray: ...
@overload
def check_image(image: object, pixel_format: str, argument: str = "image") -> AnyImage: ...
def check_image(image: object, pixel_format: str = "bgr8", argument: str = "image") -> AnyImage:
    """Check an image and hand it on without copying its pixels.

    Only an image whose channels do not lie side by side in memory (``bgr[..., ::-1]``, planar data seen
    through a transpose) is copied, because the core reads whole pixels; row and column strides are free.

    Args:
        image: uint8, by ``pixel_format``: bgr8, rgb8 (H, W, 3); bgra8, rgba8 (H, W, 4), whose alpha is not read;
            mono8 (H, W); yuyv (H, W, 2), W even; nv12 (H * 3 / 2, W), H and W even, with the rows of U V below those
            of Y, or a pair ``(y, uv)`` of (H, W) and (H / 2, W) or (H / 2, W / 2, 2).
        pixel_format: one of ``PIXEL_FORMATS``.
        argument: the name that messages use.

    Raises:
        InvalidImageError: no array, wrong dtype, rank or channels, an odd size, planes that do not fit, or no pixels.
        InvalidArgumentError: unknown pixel format.

    >>> import numpy as np
    >>> check_image(np.zeros((4, 6, 3), np.uint8)).shape
    (4, 6, 3)
    >>> check_image(np.zeros((720 * 3 // 2, 1280), np.uint8), "nv12").shape
    (1080, 1280)
    """
    pixels = check_pixel_format(pixel_format)
    if pixels == "nv12":
        return _check_nv12(image, argument)
    if pixels == "mono8":
        return _check_array(image, pixels, argument, "(H, W)", (None, None))
    channels = _CHANNELS[pixels]
    checked = _check_array(image, pixels, argument, f"(H, W, {channels})", (None, None, channels))
    if pixels == "yuyv" and checked.shape[1] % 2:
        raise InvalidImageError(
            f"{argument}: expected an even width for pixel_format='yuyv', whose pixels share their colour in pairs, "
            f"got {describe(checked)}"
        )
    return _side_by_side(checked)


def _check_nv12(image: object, argument: str) -> AnyImage:
    if not isinstance(image, tuple):
        shape = "(H * 3 / 2, W) with even H and W, or a pair (y, uv),"
        stacked = _check_array(image, "nv12", argument, shape, (None, None))
        if stacked.shape[0] % 3 or stacked.shape[1] % 2:
            raise InvalidImageError(_wanted("nv12", argument, shape) + f", got {describe(image)}")
        return _side_by_side(stacked)
    if len(image) != 2:
        raise InvalidImageError(f"{argument}: expected the two planes (y, uv) of nv12, got a tuple of {len(image)}")
    y = _check_array(image[0], "nv12", f"{argument}[0]", "(H, W), even,", (None, None))
    height, width = y.shape
    if height % 2 or width % 2:
        raise InvalidImageError(_wanted("nv12", f"{argument}[0]", "(H, W), even,") + f", got {describe(y)}")
    uv = image[1]
    flat, pairs = (height // 2, width), (height // 2, width // 2, 2)
    rank = flat if isinstance(uv, np.ndarray) and uv.ndim == 2 else pairs
    return y, _side_by_side(_check_array(uv, "nv12", f"{argument}[1]", f"{flat} or {pairs}", rank))


def _wanted(pixels: PixelFormat, argument: str, shape: str) -> str:
    return f"{argument}: expected a uint8 array of shape {shape} for pixel_format={pixels!r}"


def _check_array(
    image: object, pixels: PixelFormat, argument: str, shape: str, sizes: tuple[int | None, ...]
) -> ImageArray:
    """The image, if it has these sizes (``None``: any above 0); messages call them ``shape``."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or not _has_sizes(image, sizes):
        wanted = _wanted(pixels, argument, shape)
        raise InvalidImageError(f"{wanted}, got {describe(image)}{_hint(image, pixels)}")
    if image.size == 0:
        raise InvalidImageError(f"{_wanted(pixels, argument, shape)}, got {describe(image)}: it has no pixels")
    return cast(ImageArray, image)


def _has_sizes(image: NDArray[Any], sizes: tuple[int | None, ...]) -> bool:
    return image.ndim == len(sizes) and all(size in (None, got) for size, got in zip(sizes, image.shape, strict=True))


def _side_by_side(image: ImageArray) -> ImageArray:
    """The image with its last axis dense in memory."""
    return image if image.strides[-1] == 1 else np.ascontiguousarray(image)


def image_shape(image: AnyImage, pixel_format: str) -> tuple[int, int]:
    """Height and width in pixels of a checked image.

    >>> import numpy as np
    >>> image_shape(np.zeros((1080, 1280), np.uint8), "nv12")
    (720, 1280)
    """
    if isinstance(image, tuple):
        image = image[0]
    elif pixel_format == "nv12":
        return image.shape[0] // 3 * 2, image.shape[1]
    return image.shape[0], image.shape[1]


def _hint(image: object, pixels: PixelFormat) -> str:
    """What to do about the commonest mistakes; empty when there is nothing to say."""
    if isinstance(image, str | os.PathLike):
        return "; read the file first: hpe_edge.read_image(path)"
    if image is None:
        return "; cv2.imread returns None when it cannot read a file"
    if not isinstance(image, np.ndarray):
        return ""
    if image.ndim == 2 and image.dtype == np.uint8 and pixels != "nv12":
        return '; for a grey image pass pixel_format="mono8", for planes of Y and U V "nv12"'
    if image.ndim == 3 and image.shape[0] == 3 and image.shape[2] != 3:
        return "; channels come last: image.transpose(1, 2, 0)"
    if image.ndim == 3 and image.shape[2] == 4:
        return '; for an image with alpha pass pixel_format="bgra8" or "rgba8"'
    if image.ndim == 4:
        return "; one image at a time, or a list of images to estimate_batch"
    if image.ndim == 3 and image.shape[2] == 3 and pixels not in ("bgr8", "rgb8"):
        return '; for a colour image pass pixel_format="bgr8" or "rgb8"'
    if image.dtype.kind == "f":
        return "; scale to 0..255 and convert: (image * 255).astype(numpy.uint8)"
    return ""


def import_cv2(purpose: str) -> ModuleType:
    """OpenCV, imported on first use.

    Args:
        purpose: what needs it, for the message.

    Raises:
        MissingDependencyError: it is not installed; the message names the pip command.
    """
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise missing_dependency("opencv-python-headless", "video", purpose) from error
    return cv2


def read_image(path: str | os.PathLike[str]) -> ImageArray:
    """Read an image file as uint8 BGR (H, W, 3); its EXIF orientation is applied.

    Args:
        path: a file in a format that OpenCV reads (JPEG, PNG, WebP, BMP, TIFF, ...).

    Raises:
        InvalidImageError: no such file, or its content is no image, whatever its name says.
        MissingDependencyError: OpenCV is not installed (``pip install 'hpe-edge[video]'``).
    """
    cv2 = import_cv2("reading an image file")
    source = Path(path)
    try:
        data = source.read_bytes()
    except OSError as error:
        raise InvalidImageError(f"cannot read image file {source}: {error.strerror or error}") from error
    return _decode(cv2, data, str(source))


def decode_image(data: bytes, name: str) -> ImageArray:
    """The bytes of an image file as uint8 BGR (H, W, 3); its EXIF orientation is applied.

    Args:
        data: the file.
        name: what messages call it.

    Raises:
        InvalidImageError: it is no image. MissingDependencyError: OpenCV is not installed.
    """
    return _decode(import_cv2("decoding an image file"), data, name)


def _decode(cv2: ModuleType, data: bytes, name: str) -> ImageArray:
    if not data:
        raise InvalidImageError(f"{name}: expected an image file, got an empty file")
    try:
        image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:  # more pixels than OpenCV takes
        raise InvalidImageError(f"{name}: OpenCV cannot decode {_describe_bytes(data)}: {error.err}") from error
    if image is None:
        raise InvalidImageError(
            f"{name}: expected an image (JPEG, PNG, ...), got {_describe_bytes(data)}; "
            "the name of a file does not make it an image"
        )
    return cast(ImageArray, image)


def write_image(path: str | os.PathLike[str], image_bgr: ImageArray) -> None:
    """Write a BGR or grey image; the ending of the name chooses the format.

    Raises:
        InvalidArgumentError: the ending is no image format, or the folder cannot be written.
        MissingDependencyError: OpenCV is not installed.
    """
    cv2 = import_cv2("writing an image file")
    target = Path(path)
    if not cv2.haveImageWriter(str(target)):
        raise InvalidArgumentError(
            f"cannot write {target}: expected a name ending in .png, .jpg or .webp, got {target.suffix!r}"
        )
    done, data = cv2.imencode(target.suffix, image_bgr)
    if not done:
        raise InvalidArgumentError(f"cannot write {target}: OpenCV could not encode {describe(image_bgr)}")
    try:
        target.write_bytes(data.tobytes())
    except OSError as error:
        raise InvalidArgumentError(f"cannot write {target}: {error.strerror or error}") from error


def _describe_bytes(data: bytes) -> str:
    head = data[:64]
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\x00", b"MM\x00*")):
        return f"a damaged or truncated image of {len(data)} bytes"
    if all(byte in b"\t\n\r\f" or 32 <= byte < 127 for byte in head):
        return f"a text file that begins with {head[:24].decode('ascii')!r}"
    return f"{len(data)} bytes of another kind, beginning with {head[:8].hex(' ')}"
