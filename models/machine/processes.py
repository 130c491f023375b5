"""Several processes as one: ``accelerate launch -m models ...``, on one machine or on many.

Each of ``count`` processes holds the whole model and computes on every ``count``-th row of a batch;
what they find is averaged, or put together again. In training random numbers are drawn for the
whole batch by all of them, and each keeps those of its rows; of samples each has the streams of its
own. A seed gives the same run, and the same pictures, whatever the number of processes.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from models.machine.devices import pick_device


@dataclass(frozen=True)
class Processes:
    """This process is the one at ``index`` of ``count``. The first, ``main``, writes and speaks."""

    index: int = 0
    count: int = 1
    accelerator: Any = None

    @property
    def main(self) -> bool:
        return self.index == 0

    def mine(self, rows: Tensor | None) -> Tensor | None:
        """This process' rows of a batch."""
        return rows if rows is None or self.count == 1 else rows[self.index :: self.count]

    def joined(self, rows: Tensor) -> Tensor:
        """The batch of which every process holds as many rows; the inverse of ``mine``."""
        if self.count == 1:
            return rows
        parts = self.accelerator.gather(rows.detach().contiguous())  # one process' after another's
        return parts.unflatten(0, (self.count, len(rows))).transpose(0, 1).flatten(0, 1)

    def whole(self, rows: Tensor) -> Tensor:
        """``joined``, for a loss that is no mean over a batch: every process computes it of all
        rows, and the average of their gradients is its gradient."""
        if self.count == 1:
            return rows
        batch = self.joined(rows).clone()
        # Each sends back through its own rows alone, hence so many times as much.
        batch[self.index :: self.count] = rows * self.count - rows.detach() * (self.count - 1)
        return batch

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Makes of each tensor its mean over the processes, in place, in one message."""
        if self.count == 1 or not tensors:
            return
        mean = self.accelerator.reduce(torch.cat([t.float().flatten() for t in tensors]), "mean")
        for tensor, part in zip(tensors, mean.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.view(tensor.shape))

    def collected(self, found: dict[int, Any]) -> dict[int, Any]:
        """What all processes found, each under numbers of its own, in the order of the numbers."""
        if self.count > 1:
            from accelerate.utils import gather_object

            found = dict(gather_object(list(found.items())))
        return dict(sorted(found.items()))

    def wait(self) -> None:
        """Until every process is here. Each command ends so: one that parts while another still
        computes can be aborted by its own threads, which speak to that one."""
        if self.count > 1:
            self.accelerator.wait_for_everyone()


_here = Processes()
_sharing = False


def here() -> Processes:
    """This process among those that were joined; alone until ``join``."""
    return _here


def join(device: str = "auto") -> torch.device:
    """Meets the other processes of an ``accelerate launch``, where there was one, and returns the
    device to compute on. device: as ``pick_device`` takes it; "auto" is then one for each process.
    """
    global _here
    if int(os.environ.get("WORLD_SIZE", 1)) < 2:
        return pick_device(device)
    from accelerate import Accelerator

    if device not in ("auto", "cuda"):
        pick_device(device)  # whether there is such a one
    accelerator = Accelerator(cpu=device == "cpu")
    if _here.count == 1:
        atexit.register(leave)
    _here = Processes(accelerator.process_index, accelerator.num_processes, accelerator)
    return accelerator.device if accelerator.device.type != "cpu" else torch.device("cpu")


def leave() -> None:
    """Parts from the other processes. Without it the threads that speak to them can outlive the
    interpreter, and a process that did all it should ends by an abort."""
    global _here
    if _here.count > 1:
        _here.accelerator.end_training()
        _here = Processes()


@contextlib.contextmanager
def shared() -> Iterator[Processes]:
    """Within it batches are shared out: a model sees this process' rows, and draws theirs."""
    global _sharing
    before, _sharing = _sharing, True
    try:
        yield _here
    finally:
        _sharing = before


def own(parts: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    """Those of the parts that this process sees to, with their numbers, for ``collected``."""
    return itertools.islice(enumerate(parts), _here.index, None, _here.count)


def whole(rows: Tensor) -> Tensor:
    """``Processes.whole`` where batches are shared out, the rows themselves elsewhere."""
    return _here.whole(rows) if _sharing else rows


def drawn(draw: Callable[..., Tensor], shape: Sequence[int], rng: Generator, batch: int) -> Tensor:
    """``draw(shape)``; where batches are shared out, this process' part of the whole batch's draw.

    batch: the dimension that counts the rows of the batch.
    """
    if not _sharing or _here.count == 1:
        return draw(tuple(shape), generator=rng, device=rng.device)
    full = [n * _here.count if k == batch else n for k, n in enumerate(shape)]
    mine = [slice(None)] * batch + [slice(_here.index, None, _here.count)]
    return draw(full, generator=rng, device=rng.device)[tuple(mine)].contiguous()
