"""Lowering of nodes that move values and compute nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from hpe_edge.training.native.trace import Call, Traced, without

Lowering = Callable[[Call], Traced | list[Traced]]


def reshape(call: Call) -> Traced:
    """Reshape with a constant shape, in which 0 copies and -1 is what is left."""
    x, wanted = call.traced(), call.integers("shape", 1)
    if wanted is None:
        raise call.error("expected a constant shape")
    if not call.attributes.get("allowzero", 0):
        wanted = [x.shape[k] if n == 0 and k < len(x.shape) else n for k, n in enumerate(wanted)]
    known = math.prod(n for n in wanted if n != -1)
    if known < 1 or math.prod(x.shape) % known or wanted.count(-1) > 1:
        raise call.error(f"expected {math.prod(x.shape)} elements, got the shape {wanted}")
    shape = [math.prod(x.shape) // known if n == -1 else n for n in wanted]
    return call.reshape(x, shape)


def flatten(call: Call) -> Traced:
    """Flatten to two axes."""
    x, axis = call.traced(), int(call.attributes.get("axis", 1))
    axis += len(x.shape) if axis < 0 else 0
    return call.reshape(x, [math.prod(x.shape[:axis]), math.prod(x.shape[axis:])])


def squeeze(call: Call) -> Traced:
    """Squeeze axes of size 1, but never the last that could be the batch axis."""
    x, given = call.traced(), call.integers("axes", 1)
    rank = len(x.shape)
    axes = [k for k, n in enumerate(x.shape) if n == 1] if given is None else [call.axis(k, rank) for k in given]
    if any(x.shape[k] != 1 for k in axes):
        raise call.error(f"expected axes of size 1, got {axes} of {list(x.shape)}")
    return call.reshape(x, [n for k, n in enumerate(x.shape) if k not in axes])


def unsqueeze(call: Call) -> Traced:
    """Unsqueeze; the batch axis stays with what was beside it."""
    x, given = call.traced(), call.integers("axes", 1)
    if given is None:
        raise call.error("expected constant axes")
    rank = len(x.shape) + len(given)
    axes = {call.axis(k, rank) for k in given}
    old = [k for k in range(rank) if k not in axes]
    batch = old[x.batch]
    shape = [1] * rank
    for place, n in zip(old, x.shape, strict=True):
        shape[place] = n
    return call.emit("reshape", [x.name], batch, shape=list(without(shape, batch)))


def transpose(call: Call) -> Traced:
    """Transpose; the batch axis goes where it is sent."""
    x = call.traced()
    perm = [int(k) for k in call.attributes.get("perm", range(len(x.shape))[::-1])]
    native = [k - (k > x.batch) for k in perm if k != x.batch]
    return call.emit("transpose", [x.name], perm.index(x.batch), perm=native)


def concat(call: Call) -> Traced:
    """Concat of values that depend on the picture."""
    parts = [call.traced(k) for k in range(len(call.inputs))]
    axis = call.axis(int(call.attributes["axis"]), len(parts[0].shape))
    batch = next((p.batch for p in parts if p.batch != axis), None)
    if batch is None or any(p.shape[batch] != 1 for p in parts):
        moved = [call.off_axis(p, axis)[0] for p in parts]
        batch = moved[0].batch
        if any(p.shape[batch] != 1 for p in moved):
            raise call.error("expected the batch axis at the same place in all parts")
    names = [call.with_batch_at(p, batch).name for p in parts]
    return call.emit("concat", names, batch, axis=axis - (axis > batch))


def _cut(call: Call, x: Traced, axis: int, start: int, stop: int) -> Traced:
    """A slice along an ONNX axis; the whole axis is the value itself."""
    if (start, stop) == (0, x.shape[axis]):
        return x
    x, native = call.off_axis(x, axis)
    return call.emit("slice", [x.name], x.batch, axis=native, start=start, stop=stop)


def split(call: Call) -> list[Traced]:
    """Split into one slice for each output."""
    x, sizes = call.traced(), call.integers("split", 1)
    axis = call.axis(int(call.attributes.get("axis", 0)), len(x.shape))
    if sizes is None:
        size = -(-x.shape[axis] // call.outputs)
        sizes = [size] * (call.outputs - 1)
        sizes.append(x.shape[axis] - sum(sizes))
    if sum(sizes) != x.shape[axis] or min(sizes) < 1:
        raise call.error(f"expected parts of {x.shape[axis]}, got {sizes}")
    ends = [int(n) for n in np.cumsum(sizes)]
    return [_cut(call, x, axis, end - size, end) for end, size in zip(ends, sizes, strict=True)]


def slice_(call: Call) -> Traced:
    """Slice with steps that go forward."""
    x = call.traced()
    starts, ends = call.integers("starts", 1), call.integers("ends", 2)
    axes, steps = call.integers("axes", 3), call.integers("steps", 4)
    if starts is None or ends is None:
        raise call.error("expected constant limits")
    for k, (first, last) in enumerate(zip(starts, ends, strict=True)):
        axis = call.axis(axes[k] if axes else k, len(x.shape))
        step = steps[k] if steps else 1
        if step < 1:
            raise call.error(f"expected a step forward, got {step}")
        start, stop, _ = slice(first, last).indices(x.shape[axis])
        if start >= stop:
            raise call.error(f"takes nothing: {first} to {last} of {x.shape[axis]}")
        x = _cut(call, x, axis, start, stop) if step == 1 else _strided(call, x, axis, start, stop, step)
    return x


def _strided(call: Call, x: Traced, axis: int, start: int, stop: int, step: int) -> Traced:
    """Every ``step``-th: a column of the axis written in rows of ``step``."""
    count = -(-(stop - start) // step)
    if count == 1:
        return _cut(call, x, axis, start, start + 1)
    first = min(start, x.shape[axis] - count * step)
    if first < 0:
        raise call.error(f"expected an axis of a multiple of the step {step}, got {x.shape[axis]}")
    x = _cut(call, x, axis, first, first + count * step)
    shape = x.shape
    rows = call.reshape(x, (*shape[:axis], count, step, *shape[axis + 1 :]))
    column = _cut(call, rows, axis + 1, start - first, start - first + 1)
    return call.reshape(column, (*shape[:axis], count, *shape[axis + 1 :]))


def gather(call: Call) -> Traced:
    """Gather at constant places: runs of neighbours are slices."""
    x, places = call.traced(), call.constant(1)
    if places is None:
        raise call.error("expected constant places")
    axis = call.axis(int(call.attributes.get("axis", 0)), len(x.shape))
    if places.ndim > 1:
        raise call.error(f"expected one place or a list of them, got {list(places.shape)}")
    indices = [call.axis(int(k), x.shape[axis]) for k in places.ravel()]
    if axis == x.batch:
        x, _ = call.off_axis(x, axis)
    runs = _runs(indices)
    parts = [_cut(call, x, axis, start, stop) for start, stop in runs]
    native = axis - (axis > x.batch)
    out = parts[0] if len(parts) == 1 else call.emit("concat", [p.name for p in parts], x.batch, axis=native)
    return out if places.ndim else call.reshape(out, without(out.shape, axis))


def _runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbours that rise by one, as starts and stops.

    >>> _runs([3, 4, 0])
    [(3, 5), (0, 1)]
    """
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return runs


def _repeat(call: Call, x: Traced, shape: Sequence[int]) -> Traced:
    """Repetition along axes of size 1 to an ONNX shape."""
    full = (1,) * (len(shape) - len(x.shape)) + x.shape
    x = x if full == x.shape else call.reshape(x, full)
    target = np.broadcast_shapes(x.shape, tuple(shape))
    if target == x.shape:
        return x
    if target[x.batch] != 1:
        others = [k for k, n in enumerate(target) if n == 1]
        if not others:
            raise call.error(f"repeats the batch axis of {list(x.shape)} to {list(target)}")
        x = call.with_batch_at(x, others[0])
    return call.emit("expand", [x.name], x.batch, shape=list(without(target, x.batch)))


def expand(call: Call) -> Traced:
    """Expand to a constant shape."""
    x, shape = call.traced(), call.integers("shape", 1)
    if shape is None:
        raise call.error("expected a constant shape")
    return _repeat(call, x, shape)


def tile(call: Call) -> Traced:
    """Tile; an axis of more than one cell gets an axis for its copies before it."""
    x, repeats = call.traced(), call.integers("repeats", 1)
    if repeats is None or len(repeats) != len(x.shape):
        raise call.error("expected a constant number for each axis")
    rows: list[int] = []
    copied: list[int] = []
    for n, times in zip(x.shape, repeats, strict=True):
        extra = [1] if n > 1 and times > 1 else []
        rows += [*extra, n]
        copied += [times, n] if extra else [n * times]
    out = _repeat(call, call.reshape(x, rows), copied)
    return call.reshape(out, [n * times for n, times in zip(x.shape, repeats, strict=True)])


LOWERINGS: dict[str, Lowering] = {
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Concat": concat,
    "Split": split,
    "Slice": slice_,
    "Gather": gather,
    "Expand": expand,
    "Tile": tile,
}
