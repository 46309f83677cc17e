"""The C++ core: the hot path of the library, without OpenCV and without a network runtime.

Every function checks dtype, rank and shape of its arrays and names the argument in its error; none of them
keeps the global interpreter lock while it computes. What each one computes is defined once more, slowly and
obviously, in ``tests/reference``.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

_Image: TypeAlias = NDArray[np.uint8] | tuple[NDArray[np.uint8], NDArray[np.uint8]]
_Real = TypeVar("_Real", np.float32, np.float64)

def preprocess(
    image: _Image,
    boxes_xyxy: NDArray[np.float32],
    *,
    pixel_format: str,
    width: int,
    height: int,
    margin: float,
    square: bool,
    channel_order: str,
    mean: Sequence[float],
    scale: Sequence[float],
) -> NDArray[np.float32]:
    """Crop, resize, reorder and normalise the boxes of one frame in a single pass.

    A box is squared if asked (to its longer side) and grown by ``margin`` of its size on each side; that
    float window is resampled to ``width x height``. Output sample i of an axis has its centre at
    ``c = start + (i + 0.5) * s``, ``s = window / count``, and is the mean of the source samples j weighted
    by ``max(0, 1 - |j + 0.5 - c| / max(1, s))``: antialiased when reducing, bilinear when enlarging
    (Heckbert, Fundamentals of Texture Mapping and Image Warping, 1989, sec. 3.5). Samples outside the image
    repeat its border.

    Args:
        image: uint8, by ``pixel_format``: bgr8, rgb8 (H, W, 3); bgra8, rgba8 (H, W, 4), alpha not read; mono8
            (H, W), three equal planes; yuyv (H, W, 2); nv12 (H * 3 / 2, W), or (y, uv) of (H, W) and (H / 2, W) or
            (H / 2, W / 2, 2). Rows and columns may have any stride, also negative, the channels of a pixel lie side
            by side. Not copied. Y, U and V are resampled each, a U and V repeated over the pixels that share it, then
            become colours (BT.601, limited range), which are held within 0..255.
        boxes_xyxy: float32 (N, 4), half-open x0, y0, x1, y1 in pixels; N may be 0.
        pixel_format: its name.
        width, height: of the output, 1 to 4096 pixels.
        margin: growth on each side as a fraction of the box's size, 0 or more.
        square: whether the shorter side of the box grows to the longer one first.
        channel_order: of the output planes, ``"bgr"`` or ``"rgb"``.
        mean, scale: three numbers in ``channel_order``; output = (value - mean) * scale.

    Returns:
        float32 (N, 3, height, width).

    Raises:
        InvalidImageError: dtype, rank, channels, planes, odd size, no pixels, channels apart, unknown pixel format.
        InvalidBoxError: dtype or shape; a box that is not finite, has no area, lies wholly outside the image
            or makes a window over 65536 pixels.
        InvalidArgumentError: any other argument out of range.

    >>> import numpy as np
    >>> from hpe_edge import _core
    >>> frame = np.full((720, 1280, 3), 255, np.uint8)
    >>> box = np.array([[600, 300, 700, 420]], np.float32)
    >>> batch = _core.preprocess(frame, box, pixel_format="bgr8", width=64, height=64, margin=0.4,
    ...                          square=True, channel_order="bgr", mean=(127.5,) * 3, scale=(1 / 128,) * 3)
    >>> batch.shape, round(float(batch.max()), 4)
    ((1, 3, 64, 64), 0.9961)
    """

def softmax_expectation(
    logits: NDArray[np.float32], first_deg: float, step_deg: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Expectation and standard deviation of softmax bins (Ruiz et al., Hopenet, CVPRW 2018, "The Multi-Loss
    Approach").

    The same decodes the finest bins of a coarse-fine network and a label distribution
    (:class:`hpe_edge.heads.BinsHead`).

    Args:
        logits: float32 (N, A, B), B bins for each of A angles.
        first_deg: centre of bin 0, degrees.
        step_deg: distance of neighbouring centres, degrees.

    Returns:
        ``(angles_deg, spread_deg)``, float32 (N, A) each.

    Raises:
        InvalidArgumentError: dtype, rank, no bins, or NaN or infinite logits.

    >>> import numpy as np
    >>> from hpe_edge import _core
    >>> angles_deg, spread_deg = _core.softmax_expectation(np.zeros((1, 3, 67), np.float32), -99.0, 3.0)
    >>> float(angles_deg[0, 0])
    0.0
    """

def ssr_stages(
    p: Sequence[NDArray[np.float32]],
    eta: Sequence[NDArray[np.float32]],
    delta: Sequence[NDArray[np.float32]],
    range_deg: float = 99.0,
) -> NDArray[np.float32]:
    """Soft stagewise regression from raw network outputs (Yang et al., FSA-Net, CVPR 2019, eq. 2).

    ``angle = V sum_k sum_i p_ki (i - floor(s_k / 2) + eta_k) / prod_{j<=k} s_j (1 + delta_j)``. ReLU on p and
    tanh on eta and delta are part of this function.

    Args:
        p: for each stage float32 (N, A, s_k).
        eta: for each stage float32 (N, A), or (N, A, s_k) with a shift for each bin.
        delta: for each stage float32 (N, A).
        range_deg: V, degrees.

    Returns:
        float32 (N, A), degrees.

    Raises:
        InvalidArgumentError: lengths, dtypes or shapes that do not fit, or an angle that is not finite.

    >>> import numpy as np
    >>> from hpe_edge import _core
    >>> p, zero = np.array([[[0, 0, 1]]], np.float32), np.zeros((1, 1), np.float32)
    >>> float(_core.ssr_stages([p], [zero], [zero])[0, 0])
    33.0
    """

def spread_from_log(log_std: NDArray[np.float32], scale: Sequence[float]) -> NDArray[np.float32]:
    """The spread that a variance head predicts, ``scale[a] * exp(log_std)``, in degrees.

    The head's loss is the negative log-likelihood of a normal error (Kendall and Gal, NeurIPS 2017, eq. 8, with
    the deviation in place of the variance). A ``log_std`` beyond -5..5 counts as that limit, which is 0.0067
    to 148 degrees before the scale: no spread is zero or overflows.

    Args:
        log_std: float32 (N, A), natural logarithm of the spread in degrees, as the network gives it.
        scale: A numbers above 0, the calibration of each angle.

    Returns:
        float32 (N, A), degrees.

    Raises:
        InvalidArgumentError: dtype, rank or shape, a ``log_std`` that is not finite, a scale not above 0.

    >>> import numpy as np
    >>> from hpe_edge import _core
    >>> _core.spread_from_log(np.zeros((1, 3), np.float32), [1.0, 2.0, 3.0]).tolist()
    [[1.0, 2.0, 3.0]]
    """

def scale_spread(spread_deg: NDArray[np.float32], scale: Sequence[float]) -> NDArray[np.float32]:
    """The same calibration of a spread that is in degrees already: ``scale[a] * spread_deg``.

    Args:
        spread_deg: float32 (N, A), degrees, such as the second result of :func:`softmax_expectation`.
        scale: A numbers above 0, the calibration of each angle.

    Returns:
        float32 (N, A), degrees.

    Raises:
        InvalidArgumentError: dtype, rank or shape, a spread that is not finite or below 0, a scale not above 0.

    >>> import numpy as np
    >>> from hpe_edge import _core
    >>> _core.scale_spread(np.ones((1, 3), np.float32), [0.5, 2.0, 3.0]).tolist()
    [[0.5, 2.0, 3.0]]
    """

def euler_to_rotation(euler_deg: NDArray[_Real]) -> NDArray[_Real]:
    """Yaw, pitch, roll in degrees (N, 3) to rotation matrices (N, 3, 3) in the OpenCV / ROS optical frame.

    ``D Rx(pitch) Ry(yaw) Rz(roll) D``, ``D = diag(1, -1, -1)``, with the factors of docs/CONVENTIONS.md: the
    identity when the face looks into the camera. float32 or float64 in and out, computed in float64, as in
    all functions below; all raise InvalidArgumentError for a wrong dtype or shape and for numbers that are
    not finite.

    >>> import numpy as np
    >>> from hpe_edge import _core
    >>> _core.euler_to_rotation(np.zeros((1, 3)))[0].tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """

def rotation_to_euler(rotation: NDArray[_Real]) -> NDArray[_Real]:
    """The inverse of :func:`euler_to_rotation`: (N, 3, 3) to (N, 3) degrees, yaw in -90..90.

    At a yaw of 90 degrees, where only pitch plus or minus roll is defined, roll is 0.

    >>> import numpy as np
    >>> from hpe_edge import _core
    >>> _core.rotation_to_euler(np.eye(3)[None]).tolist()
    [[0.0, 0.0, 0.0]]
    """

def rotation_to_quaternion_xyzw(rotation: NDArray[_Real]) -> NDArray[_Real]:
    """Rotation matrices (N, 3, 3) to unit quaternions (N, 4), scalar last and not negative.

    Shepperd, Quaternion from rotation matrix, Journal of Guidance and Control 1(3), 1978.

    >>> import numpy as np
    >>> from hpe_edge import _core
    >>> _core.rotation_to_quaternion_xyzw(np.eye(3)[None]).tolist()
    [[0.0, 0.0, 0.0, 1.0]]
    """

def quaternion_xyzw_to_rotation(quaternion_xyzw: NDArray[_Real]) -> NDArray[_Real]:
    """Quaternions (N, 4), scalar last, of any length but zero, to rotation matrices (N, 3, 3).

    >>> import numpy as np
    >>> from hpe_edge import _core
    >>> _core.quaternion_xyzw_to_rotation(np.array([[0.0, 0.0, 0.0, 2.0]]))[0].diagonal().tolist()
    [1.0, 1.0, 1.0]
    """

def rotation_to_rotvec(rotation: NDArray[_Real]) -> NDArray[_Real]:
    """Rotation matrices (N, 3, 3) to rotation vectors (N, 3), axis times angle in radians, 0..pi.

    >>> import numpy as np
    >>> from hpe_edge import _core
    >>> _core.rotation_to_rotvec(np.diag([1.0, -1.0, -1.0])[None]).round(4).tolist()
    [[3.1416, 0.0, 0.0]]
    """

def rotvec_to_rotation(rotvec: NDArray[_Real]) -> NDArray[_Real]:
    """Rotation vectors (N, 3) in radians to rotation matrices (N, 3, 3); Rodrigues' formula.

    >>> import numpy as np
    >>> from hpe_edge import _core
    >>> _core.rotvec_to_rotation(np.zeros((1, 3)))[0].diagonal().tolist()
    [1.0, 1.0, 1.0]
    """

def rotation_to_rep103(rotation: NDArray[_Real]) -> NDArray[_Real]:
    """The same turn in the head's REP-103 body axes: x forward out of the face, y left, z up; (N, 3, 3).

    ``B' R B``, the columns of B being the body axes in optical coordinates, ``(0, 0, -1)``, ``(1, 0, 0)`` and
    ``(0, -1, 0)``: the identity at the frontal pose. A ROS pose in an ``_optical`` frame with a body frame as
    its child is ``R B``.

    >>> import numpy as np
    >>> from hpe_edge import _core
    >>> _core.rotation_to_rep103(np.eye(3)[None])[0].diagonal().tolist()
    [1.0, 1.0, 1.0]
    """

def rep103_to_rotation(rotation_rep103: NDArray[_Real]) -> NDArray[_Real]:
    """The inverse of :func:`rotation_to_rep103`, (N, 3, 3).

    >>> import numpy as np
    >>> from hpe_edge import _core
    >>> _core.rep103_to_rotation(np.eye(3)[None])[0].diagonal().tolist()
    [1.0, 1.0, 1.0]
    """

def offset_pitch_zero(euler_deg: NDArray[_Real], pitch_zero_deg: float) -> NDArray[_Real]:
    """Move the zero of the pitch: label-frame ``R' = R Rx(pitch_zero_deg)``, (N, 3) to (N, 3) degrees.

    The result is the branch of the Euler angles that is nearest to the input, so a yaw beyond 90 degrees
    stays there.

    >>> import numpy as np
    >>> from hpe_edge import _core
    >>> _core.offset_pitch_zero(np.array([[0.0, 10.0, 0.0]]), 5.0).round(6).tolist()
    [[0.0, 15.0, 0.0]]
    """

def isa() -> Literal["scalar", "avx2", "avx512vnni", "neon", "neondot"]:
    """Name of the instruction set that every kernel uses: the best of :func:`available_isas`.

    The environment variable ``HPE_FORCE_ISA`` names another one; it is read once, at the first call into
    the core.

    Raises:
        InvalidArgumentError: ``HPE_FORCE_ISA`` names one that this machine lacks; the message lists those
            it has.

    >>> from hpe_edge import _core
    >>> _core.isa() in _core.available_isas()
    True
    """

def available_isas() -> list[Literal["scalar", "avx2", "avx512vnni", "neon", "neondot"]]:
    """Names of the instruction sets this machine can run, slowest first.

    >>> from hpe_edge import _core
    >>> _core.available_isas()[0]
    'scalar'
    """

class Network:
    """A network file, planned for this machine's instruction set: the native network.

    Several threads may call :meth:`run` at once; each call has memory of its own, which the object keeps for the next
    one. What each operator computes is defined once more in ``tests/reference/network.py``.

    Args:
        file: the bytes of the file (docs/NETWORK_FILE.md).
        threads: threads that share the images of a batch; one image runs on one thread.
        input_size: height and width of the input in place of the file's; all other shapes follow.

    Raises:
        CorruptModelError: the file is not a network file, or damaged; the message says where.
        InvalidArgumentError: threads is not 1 to 256; or the graph does not allow the size, as a reshape does not.

    >>> from hpe_edge import _core, hub
    >>> network = _core.Network(hub.resolve("fsanet").read("safetensors"))
    >>> network.input_shape
    (3, 64, 64)
    """

    def __init__(self, file: bytes, threads: int = 1, *, input_size: tuple[int, int] | None = None) -> None: ...
    def run(self, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Raw outputs by name, float32 (N, ...), of a batch, float32 (N, C, H, W).

        Raises:
            InvalidArgumentError: wrong dtype, rank or shape.
        """

    def profile(self, repeats: int) -> list[tuple[str, float]]:
        """The steps in order, each with the median microseconds of ``repeats`` runs on an image of zeros.

        Raises:
            InvalidArgumentError: repeats is below 1.
        """

    @property
    def input_name(self) -> str: ...
    @property
    def input_shape(self) -> tuple[int, ...]: ...
    @property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """Shapes by name, without the batch axis."""

    @property
    def isa(self) -> str: ...
    @property
    def workspace_bytes(self) -> int:
        """Memory that one running call needs."""

    @property
    def weight_bytes(self) -> int:
        """Memory of the weights, packed for the instruction set."""

class Model:
    """A model card and its network: frames and boxes in, poses out, in one call that keeps no interpreter lock.

    Does what :func:`preprocess`, :meth:`Network.run`, the decode of :mod:`hpe_edge.heads` and :func:`offset_pitch_zero`
    do one after the other.

    Args:
        card: text of the card.
        network: bytes of its safetensors file.
        threads: threads that share the boxes of a call.

    Raises:
        CorruptModelError: card or network is damaged, or they do not belong together.
        InvalidArgumentError: threads is not 1 to 256.
    """

    def __init__(self, card: str, network: bytes, threads: int = 1) -> None: ...
    def estimate(
        self, image: _Image, boxes_xyxy: NDArray[np.float32], *, pixel_format: str
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """``(euler_deg, std_deg)``, float32 (N, 3) each, of the heads in the boxes (N, 4) of one frame.

        Raises:
            InvalidImageError, InvalidBoxError: as :func:`preprocess`.
            InvalidArgumentError: the network's outputs give no finite angle.
        """

    @property
    def network(self) -> Network:
        """Its network; one that lives as long as it is used."""

class FaceDetector:
    """A detector card and its network: an image in, faces out, in one call that keeps no interpreter lock.

    The image is scaled so that its longer side has ``longest_side`` pixels; the sides of the network's input are the
    next multiples of 32, and the image is in its middle, its border repeated (resampled as :func:`preprocess` does).
    A cell (x, y) of a map with stride s whose ``sigmoid(v[0])`` is above the threshold is a face: its middle is
    ``((x + 0.5 + v[1]) s, (y + 0.5 + v[2]) s)``, its size ``(exp(v[3]) s, exp(v[4]) s)`` with v kept within 8, its
    landmarks are ``((x + 0.5 + v[5]) s, (y + 0.5 + v[6]) s)`` and so on. Faces that do not overlap the image, or are
    longer than twice its longer side, are left out. Of faces that overlap by more than the card's ``nms_iou``, the best
    stays (greedy non-maximum suppression over all maps).

    Threads may share it; networks are planned for each size of input, and the last 8 plans are kept.

    Args:
        card: text of a detector card (:mod:`hpe_edge.detectors.card`).
        network: bytes of its safetensors file.
        longest_side: 32 to 4096 pixels; the card's when left out.
        score_threshold: above 0 and below 1; the card's when left out.
        max_faces: the best so many are given.

    Raises:
        CorruptModelError: card or network is damaged, or they do not belong together.
        InvalidArgumentError: an option out of range.
    """

    def __init__(
        self,
        card: str,
        network: bytes,
        *,
        longest_side: int | None = None,
        score_threshold: float | None = None,
        max_faces: int = 256,
    ) -> None: ...
    def detect(
        self, image: _Image, *, pixel_format: str
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """``(boxes_xyxy, scores, landmarks_xy)``, float32 (N, 4), (N,), (N, 5, 2), the best score first; pixels.

        Raises:
            InvalidImageError: as :func:`preprocess`; or so long and narrow that the input would show over 65536 pixels.
            InvalidArgumentError: the network's outputs are not finite, or its plan for this size is too large.
        """

    def follow(
        self, image: _Image, boxes_xyxy: NDArray[np.float32], *, pixel_format: str
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """The faces that were at ``boxes_xyxy`` (N, 4) a moment ago: as :meth:`detect`, N rows in the same order.

        Looks only at a square window around each box, 2.4 times its longer side, as 96 x 96 pixels, and gives the face
        there that overlaps the box most. Where there is none, or the box has left the image, the score is 0 and all
        else NaN.

        Raises:
            InvalidBoxError: dtype or shape; a box that is not finite, has no area or a window over 65536 pixels.
            InvalidImageError, InvalidArgumentError: as :meth:`detect`.
        """

    @property
    def longest_side(self) -> int: ...
