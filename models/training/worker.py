"""A training run in a process of its own, driven by lines of JSON.

    python -m models.training.worker

Each line on stdin is an order, ``{"do": ...}``; each line on stdout a report, ``{"is": ...}``.
Whoever starts the process can pause, slow down and steer the run, and nobody else is harmed where
it runs out of memory, fills its share of the disk, or is killed. It ends with its stdin.

Orders to a process at rest:

    estimate   recipe                    -> loaded, then estimated; a few steps, timed
    train      recipe, out               -> loaded, started, then what ``session`` reports,
                                            then ended; the process ends as well
    describe   data                      -> loaded
    measure    out, only                -> measured
    check      out                       -> checked: that these foreign weights fit their header
    plane      method, config, seed, minutes, and points, or set, n, arguments
                                         -> what ``models.plane.session`` reports, then ended
    hurry                                -> ends an estimate that is being made, with what it has

each with ``folder`` to work in, ``data_dir``, ``device`` and ``limits``; what cannot be done is
reported as ``failed`` with one sentence. Orders to a run are those of ``models.training.session``.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from models.machine.files import is_full
from models.training.wire import Wire

# Before torch is imported: see models/__main__.py.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

log = logging.getLogger(__name__)

# Orders to a run that may come when it has ended.
TOO_LATE = ("hurry", "pause", "go", "step", "stop", "tune")
NICE = 2  # the page comes first
GOES_FIRST = 500  # of a thousand, towards being ended by the system where memory runs out
TIMED = 3.0  # seconds that an estimate may take for its steps, five at most


# -- limits ----------------------------------------------------------------------------------------


def set_limits(megabytes: int = 0, disk_megabytes: int = 0, **_: Any) -> None:
    """What this process may take; 0 is no limit. Where the system cannot hold it to that, nothing.

    megabytes: memory of its own (code and files that it shares with others do not count).
    disk_megabytes: the largest file it may write.
    """
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for kind, amount in (("RLIMIT_DATA", megabytes), ("RLIMIT_FSIZE", disk_megabytes)):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            which = getattr(resource, kind)
            hard = resource.getrlimit(which)[1]
            resource.setrlimit(which, (amount << 20 if amount else hard, hard))


UNEXPECTED = (
    "Something in the program went wrong, and this has ended. Other settings may work; the log of "
    "the server has the details."
)


def sentence(error: BaseException) -> str:
    """Why a run could not go on, for a person."""
    text = " ".join(str(error).split())
    if is_full(error) or "No space left" in text or "File too large" in text:
        return "The disk is full, or this run's share of it; the run has ended."
    memory = ("allocate memory", "out of memory", "bad allocation", "Cannot allocate")
    if isinstance(error, MemoryError) or any(words in text for words in memory):
        return (
            "The run needs more memory than it may have here, and has ended; take a smaller "
            "model, or fewer images a step."
        )
    # A sentence of ours; what torch says (a bare RuntimeError) or Python is for the log.
    if text and isinstance(error, (ValueError, RuntimeError)) and type(error) is not RuntimeError:
        return text
    return UNEXPECTED


# -- orders to a process at rest -------------------------------------------------------------------


class Worker:
    """Keeps the data set of the last order, so that a run begins at once after its estimate."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._data: tuple[Any, Any] = (None, None)

    def obey(self, order: dict[str, Any]) -> bool:
        """Carries an order out. Returns whether the process is to take another."""
        if order["do"] in TOO_LATE:  # what it was about has been done
            return True
        do = {
            "describe": lambda order: self.dataset(order["data"], order.get("data_dir")),
            "estimate": self.estimate,
            "train": self.train,
            "measure": self.measure,
            "check": self.check,
            "plane": self.plane,
        }[order["do"]]
        set_limits(**order.get("limits", {}))
        try:
            os.chdir(order["folder"])
            do(order)
        # Whatever it is, it ends this order alone, and whoever asked is told.
        except Exception as error:
            words = sentence(error)
            level = logging.ERROR if words == UNEXPECTED else logging.INFO
            log.log(level, "%s failed", order["do"], exc_info=True)
            set_limits()
            self.wire.report("failed", words=words)
        return order["do"] != "train"

    def run(self, order: dict[str, Any]) -> Any:
        """The run that an order describes, before its first step."""
        from models.machine.devices import pick_device
        from models.training.recipe import from_dict
        from models.training.train import Run

        recipe, limits = from_dict(order["recipe"]), order.get("limits", {})
        dataset = self.dataset(recipe.data.name, order.get("data_dir"))
        pixels, most = dataset.images[0].numel(), limits.get("pixels")
        if most and pixels > most:
            raise ValueError(
                f"Pictures of {'x'.join(map(str, dataset.image_shape))} are {pixels:,} numbers; "
                f"runs here take up to {most:,}."
            )
        run = Run(recipe, dataset, None, pick_device(order.get("device", "auto")))
        most = limits.get("steps")
        if most and run.total > most:
            raise ValueError(f"{run.total:,} steps are more than the {most:,} allowed here.")
        return run

    def dataset(self, name: str, data_dir: str | None) -> Any:
        from models.data import datasets

        key = name, data_dir, os.getcwd()
        if self._data[0] != key:
            self._data = key, datasets.load(name, "train", data_dir)
        dataset = self._data[1]
        self.wire.report(
            "loaded", n=len(dataset), image=list(dataset.image_shape),
            classes=list(dataset.classes), name=dataset.name, notes=list(dataset.notes),
        )  # fmt: skip
        return dataset

    def estimate(self, order: dict[str, Any]) -> None:
        from models.scores.each import draws_pixels

        reset_peak()
        run = self.run(order)
        steps = run.steps()
        next(steps)  # the first step sets up what later ones have
        taken, count = 0.0, 0
        while count < 5 and taken < TIMED and run.step < run.total and not self.wire.hurried:
            started = time.perf_counter()
            next(steps)
            taken, count = taken + time.perf_counter() - started, count + 1
        self.wire.report(
            "estimated",
            parameters=sum(p.numel() for p in run.model.parameters()),
            megabytes=peak_megabytes(),
            seconds_per_step=taken / max(1, count),
            timed=count,
            total=run.total,
            batch=run.batch_size,
            black_and_white=draws_pixels(run.model),
        )

    def train(self, order: dict[str, Any]) -> None:
        from models.training.session import Session

        run = self.run(order)
        limits = order.get("limits", {})
        session = Session(self.wire, run, Path(order["out"]), 60 * limits.get("minutes", 0))
        self.wire.report("ended", why=session.work(), step=run.step)

    def measure(self, order: dict[str, Any]) -> None:
        from models.evaluation.evaluate import evaluate
        from models.machine.devices import pick_device

        header = evaluate(
            Path(order["out"]), order.get("data_dir"), pick_device(order.get("device", "auto")),
            only=order.get("only", ()), progress=False,
        )  # fmt: skip
        self.wire.report("measured", metrics=header.metrics)

    def check(self, order: dict[str, Any]) -> None:
        from models.checkpoints import weights
        from models.contract.capabilities import Samples
        from models.contract.random import generator

        model = weights.load(Path(order["out"]))
        if isinstance(model, Samples):
            model.sample(1, generator(0))
        self.wire.report("checked")

    def plane(self, order: dict[str, Any]) -> None:
        import torch

        from models.plane.run import Run
        from models.plane.session import Session, asked_data

        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # its steps are too small to share out
        try:
            seed = int(order.get("seed", 0))
            run = Run(order["method"], asked_data(order), order.get("config"), seed)
            session = Session(self.wire, run, 60 * float(order.get("minutes", 0)))
            self.wire.report("ended", why=session.work(), step=run.step)
        finally:
            torch.set_num_threads(threads)


def reset_peak() -> None:
    """From here on ``peak_megabytes`` means what comes; where the system can do that."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_megabytes() -> int:
    """The most memory this process has had, in MB; 0 where the system does not tell."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) >> 10
    with contextlib.suppress(ImportError):
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most >> (20 if sys.platform == "darwin" else 10)
    return 0


def warm_up() -> None:
    """Imports and sets up what the first step of a run would have to wait for."""
    import torch

    from models.data import datasets
    from models.plane.data import dataset
    from models.plane.film import moment_of
    from models.plane.run import Run
    from models.training import recipe, train
    from models.training.session import Session  # noqa: F401

    threads = int(os.environ.get("GENERATIVE_EXPLORER_THREADS", "0"))
    if threads:
        torch.set_num_threads(threads)
    tiny = recipe.from_dict(
        {
            "name": "warm",
            "family": "vae",
            "model": {"latent": 2, "width": 8, "blocks": 0, "hidden": 8, "halvings": 1},
            "train": {"steps": 1, "batch_size": 8},
        }
    )
    for _ in train.Run(tiny, datasets.load("digits")).steps():
        pass
    plane = Run("coupling", dataset("ring", 50))
    plane.advance()
    moment_of(plane)


def main() -> int:
    wire = Wire()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    with contextlib.suppress(OSError):  # where memory runs out, this is ended and not the page
        Path("/proc/self/oom_score_adj").write_text(str(GOES_FIRST))
    warm_up()
    with contextlib.suppress(AttributeError, OSError):
        os.nice(NICE)
    wire.report("ready")
    worker = Worker(wire)
    while worker.obey(wire.order(wait=True)):
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
