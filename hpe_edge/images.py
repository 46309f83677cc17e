"""Images as users hold them: uint8 arrays, checked and described; and image files, read with OpenCV."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray

from hpe_edge.errors import InvalidArgumentError, InvalidImageError, missing_dependency

if TYPE_CHECKING:
    from types import ModuleType

ImageArray: TypeAlias = NDArray[np.uint8]
PixelFormat: TypeAlias = Literal["bgr8", "rgb8", "mono8"]
PIXEL_FORMATS: Final[tuple[str, ...]] = get_args(PixelFormat)


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


def check_image(image: object, pixel_format: str = "bgr8", argument: str = "image") -> ImageArray:
    """Check an image and hand it on without copying its pixels.

    Only an image whose channels do not lie side by side in memory (``bgr[..., ::-1]``, planar data seen
    through a transpose) is copied, because the core reads whole pixels; row and column strides are free.

    Args:
        image: uint8 (H, W, 3) for bgr8 and rgb8, (H, W) for mono8.
        pixel_format: ``"bgr8"``, ``"rgb8"`` or ``"mono8"``.
        argument: the name that messages use.

    Raises:
        InvalidImageError: no array, wrong dtype, rank or channels, or no pixels.
        InvalidArgumentError: unknown pixel format.

    >>> import numpy as np
    >>> check_image(np.zeros((4, 6, 3), np.uint8)).shape
    (4, 6, 3)
    """
    pixels = check_pixel_format(pixel_format)
    expected = "(H, W)" if pixels == "mono8" else "(H, W, 3)"
    wanted = f"{argument}: expected a uint8 array of shape {expected} for pixel_format={pixels!r}"
    if not isinstance(image, np.ndarray):
        raise InvalidImageError(f"{wanted}, got {describe(image)}{_hint(image, pixels)}")
    if image.dtype != np.uint8 or image.ndim != (2 if pixels == "mono8" else 3):
        raise InvalidImageError(f"{wanted}, got {describe(image)}{_hint(image, pixels)}")
    if pixels != "mono8" and image.shape[2] != 3:
        raise InvalidImageError(f"{wanted}, got {describe(image)}{_hint(image, pixels)}")
    if image.size == 0:
        raise InvalidImageError(f"{wanted}, got {describe(image)}: it has no pixels")
    checked = cast(ImageArray, image)
    if pixels != "mono8" and checked.strides[2] != 1:
        return np.ascontiguousarray(checked)
    return checked


def _hint(image: object, pixels: PixelFormat) -> str:
    """What to do about the commonest mistakes; empty when there is nothing to say."""
    if isinstance(image, str | os.PathLike):
        return "; read the file first: hpe_edge.read_image(path)"
    if image is None:
        return "; cv2.imread returns None when it cannot read a file"
    if not isinstance(image, np.ndarray):
        return ""
    if image.ndim == 2 and image.dtype == np.uint8:
        return '; for a grey image pass pixel_format="mono8"'
    if image.ndim == 3 and image.shape[0] == 3 and image.shape[2] != 3:
        return "; channels come last: image.transpose(1, 2, 0)"
    if image.ndim == 3 and image.shape[2] == 4:
        return "; drop the alpha channel: image[..., :3]"
    if image.ndim == 4:
        return "; one image at a time, or a list of images to estimate_batch"
    if image.ndim == 3 and pixels == "mono8":
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
