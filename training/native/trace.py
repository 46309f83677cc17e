"""ONNX values on their way into the graph, and where their batch axis is.

A batch-1 network keeps an axis of size 1 for the batch in everything that depends on its input. Graph values lack
it; a `Traced` says where it would be, so that axes and shapes of ONNX nodes can be translated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from hpe_edge.training.native.graph import Graph
from hpe_edge.training.native.shapes import Shape

from hpe_edge.errors import InvalidArgumentError

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class Traced:
    """A value that depends on the input. name: of the graph's value. shape: in ONNX, 1 at the axis ``batch``."""

    name: str
    shape: Shape
    batch: int


Operand: TypeAlias = Traced | Array


def without(shape: Sequence[int], axis: int) -> Shape:
    """A shape without one of its axes."""
    return (*shape[:axis], *shape[axis + 1 :])


def aligned(shape: Sequence[int], rank: int) -> Shape:
    """A shape with axes of size 1 in front, as broadcasting adds them."""
    return (1,) * (rank - len(shape)) + tuple(shape)


@dataclass(frozen=True)
class Call:
    """One ONNX node that is being lowered. inputs: None where one is left out."""

    graph: Graph
    op: str
    name: str
    inputs: tuple[Operand | None, ...]
    attributes: dict[str, Any]
    opset: int
    outputs: int

    def error(self, reason: str) -> InvalidArgumentError:
        """The error that names this node."""
        return InvalidArgumentError(f"{self.name}: {reason}; the native network has no such thing: export it otherwise")

    def traced(self, k: int = 0) -> Traced:
        """An input that has to depend on the network's input."""
        operand = self.operand(k)
        if not isinstance(operand, Traced):
            raise self.error(f"expected input {k} to depend on the picture, got a constant")
        return operand

    def operand(self, k: int) -> Operand:
        """An input that has to be there."""
        operand = self.inputs[k] if k < len(self.inputs) else None
        if operand is None:
            raise self.error(f"expected an input {k}, got none")
        return operand

    def constant(self, k: int) -> Array | None:
        """A constant input, None where it is left out."""
        operand = self.inputs[k] if k < len(self.inputs) else None
        if isinstance(operand, Traced):
            raise self.error(f"expected input {k} to be a constant, got a value that depends on the picture")
        return operand

    def tensor(self, k: int) -> Array:
        """A constant input that has to be there, in float64 for folding."""
        operand = self.constant(k)
        if operand is None:
            raise self.error(f"expected an input {k}, got none")
        return operand.astype(np.float64)

    def integers(self, name: str, k: int) -> list[int] | None:
        """Integers that are an attribute in old opsets and an input in newer ones."""
        if name in self.attributes:
            return [int(n) for n in np.atleast_1d(self.attributes[name])]
        operand = self.constant(k)
        return None if operand is None else [int(n) for n in operand.ravel()]

    def axis(self, axis: int, rank: int) -> int:
        """An axis counted from the front."""
        if not -rank <= axis < rank:
            raise self.error(f"expected an axis below {rank}, got {axis}")
        return axis % rank

    def emit(self, op: str, inputs: Sequence[str], batch: int, **attributes: Any) -> Traced:
        """A node of the graph; batch: where ONNX has the batch axis in its output."""
        name = self.graph.add(op, inputs, attributes, self.name)
        shape = self.graph.shapes[name]
        return Traced(name, (*shape[:batch], 1, *shape[batch:]), batch)

    def like(self, op: str, x: Traced, **attributes: Any) -> Traced:
        """A node with one input and an output of its shape."""
        return self.emit(op, [x.name], x.batch, **attributes)

    def with_batch_at(self, x: Traced, batch: int) -> Traced:
        """The same value with another axis of size 1 as its batch axis: with one picture they do not differ."""
        if batch == x.batch:
            return x
        return self.emit("reshape", [x.name], batch, shape=list(without(x.shape, batch)))

    def batch_first(self, x: Traced) -> Traced:
        """The value with its batch axis in front, where layers over pictures have it."""
        if not x.shape or x.shape[0] != 1:
            raise self.error(f"expected the batch axis in front, got it as axis {x.batch} of {list(x.shape)}")
        return self.with_batch_at(x, 0)

    def off_axis(self, x: Traced, axis: int) -> tuple[Traced, int]:
        """The value and an ONNX axis of it as an axis of the graph's value, which must not be the batch axis."""
        axis = self.axis(axis, len(x.shape))
        if axis == x.batch:
            others = [k for k, n in enumerate(x.shape) if n == 1 and k != axis]
            if not others:
                raise self.error(f"works along the batch axis {axis} of {list(x.shape)}")
            x = self.with_batch_at(x, others[0])
        return x, axis - (axis > x.batch)

    def reshape(self, x: Traced, shape: Sequence[int]) -> Traced:
        """An ONNX reshape: the batch axis stays where as many elements lie before it."""
        before = math.prod(x.shape[: x.batch])
        places = [k for k, n in enumerate(shape) if n == 1 and math.prod(shape[:k]) == before]
        if not places:
            raise self.error(f"mixes the batch axis {x.batch} of {list(x.shape)} into {list(shape)}")
        batch = x.batch if x.batch in places else places[0]
        return self.emit("reshape", [x.name], batch, shape=list(without(shape, batch)))

    def stored(self, x: Operand, shape: Sequence[int]) -> str:
        """The name of an operand in the graph under this shape, reshaped where it has another."""
        if not isinstance(x, Traced):
            return self.graph.constant(np.reshape(x, tuple(shape)))
        if self.graph.shapes[x.name] == tuple(shape):
            return x.name
        return self.graph.add("reshape", [x.name], {"shape": list(shape)}, self.name)

    def binary(self, op: str, a: Operand, b: Operand) -> Traced:
        """An operator with numpy's broadcasting, of which at least one operand depends on the picture."""
        rank = max(len(a.shape), len(b.shape))
        try:
            shape = np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            raise self.error(f"expected shapes that broadcast, got {list(a.shape)} and {list(b.shape)}") from None
        places = [x.batch + rank - len(x.shape) for x in (a, b) if isinstance(x, Traced)]
        batch = next((k for k in places if shape[k] == 1), None)
        if batch is None:
            raise self.error(f"repeats the batch axis of {list(a.shape)} or {list(b.shape)}")
        shapes = [self._unbatched(x, rank, batch) for x in (a, b)]
        if max(map(len, shapes)) < rank - 1:  # axes that only a constant would have added
            shapes = [without(aligned(x.shape, rank), batch) for x in (a, b)]
        return self.emit(op, [self.stored(x, s) for x, s in zip((a, b), shapes, strict=True)], batch)

    @staticmethod
    def _unbatched(x: Operand, rank: int, batch: int) -> Shape:
        """An operand's shape without the result's batch axis, and without axes that broadcasting adds anyway."""
        shape = without(aligned(x.shape, rank), batch)
        own = without(x.shape, x.batch) if isinstance(x, Traced) else shape
        if isinstance(x, Traced) and aligned(own, rank - 1) == shape:
            return own
        if not isinstance(x, Traced) and math.prod(shape) == 1:
            return (1,) if shape else ()
        return shape

    def scalar(self, op: str, x: Traced, number: float) -> Traced:
        """x op number."""
        return self.binary(op, x, np.full((1,) * min(len(x.shape) - 1, 1), number))
