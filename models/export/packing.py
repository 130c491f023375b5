"""Weights as bytes for a page: a table of names, shapes and kinds, and one run of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

# What is said of each kind on the page.
KINDS = {
    "float16": "half precision, 2 bytes a weight, as the checkpoint has them",
    "float32": "single precision, 4 bytes a weight",
    "int8": "1 byte a weight and a scale for each row",
}


class Packed(NamedTuple):
    """table: {name: {"shape", "kind", "at", and "scale" of int8}}, places in bytes. data: the run.
    kind: of the weights; other tensors are float32."""

    table: dict[str, dict[str, Any]]
    data: bytes
    kind: str


def pack(
    tensors: Mapping[str, Tensor], kind: str = "float16", whole: tuple[str, ...] = ()
) -> Packed:
    """Tensors in one run of bytes, each at a multiple of four.

    kind: of ``KINDS``. whole: names of tensors that stay float32. With int8 only matrices and
    kernels are rounded, a scale for each row, to 255 even steps; biases stay float16. Raises
    ValueError where a number is too large for half precision.
    """
    if kind not in KINDS:
        raise ValueError(f"Weights can be stored as {', '.join(KINDS)}, not '{kind}'.")
    table: dict[str, dict[str, Any]] = {}
    data = bytearray()

    def put(values: np.ndarray) -> int:
        at = len(data)
        data.extend(values.tobytes())
        data.extend(bytes(-len(data) % 4))
        return at

    for name, tensor in tensors.items():
        values = tensor.detach().cpu().numpy().astype("<f4")
        own = "float32" if name in whole else kind
        if own == "int8" and values.ndim < 2:
            own = "float16"
        entry: dict[str, Any] = {"shape": list(values.shape), "kind": own}
        if own == "int8":
            rows = values.reshape(len(values), -1)
            scale = np.maximum(np.abs(rows).max(1, initial=0), 1e-12).astype("<f4") / 127
            entry["at"] = put(np.rint(rows / scale[:, None]).astype("i1"))
            entry["scale"] = put(scale.astype("<f4"))
        elif own == "float16":
            with np.errstate(over="ignore"):
                halves = values.astype("<f2")
            if not np.isfinite(halves).all():
                raise ValueError(
                    "A weight of this model is too large for half precision; export it with "
                    "'--weights float32'."
                )
            entry["at"] = put(halves)
        else:
            entry["at"] = put(values)
        table[name] = entry
    return Packed(table, bytes(data), kind)
