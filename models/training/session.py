"""A run that somebody watches: what it shows of itself, and how it can be steered between steps.

Reports, besides those of ``models.training.worker``:

    started    total, parameters, held_out, live (settings that may change), rate, makes (what it
               makes: "pictures", "texts" or "translations")
    progress   step, epoch, rate, seconds, images_per_second, logs: means since the last report
    shown      step, seconds, pictures {samples, nearest, rebuilt} or by direction, distance, train,
               held_out, codes; of a model of text also text, bits
    step       one slow step: pictures or texts of the batch, logs, what the update did to each part
    kept       step: a snapshot lies in the folder
    paused, going, note (words)

Orders: ``pause``, ``go``, ``step`` (one, then pause), ``stop``, ``rate`` (value: a factor on the
learning rate), ``tune`` (values: settings of the model that may change during a run).
"""

from __future__ import annotations

import base64
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from models.contract.capabilities import Decodes, Encodes
from models.contract.random import generator
from models.data import pictures
from models.training import showing
from models.training.train import Progress, Run

if TYPE_CHECKING:
    from models.training.wire import Wire

SAMPLES = 16  # from the same noise each time
PAIRS, COLUMNS = 8, 4  # pictures set aside, in rows, and what the model makes of them
LEAST_TRANSLATED, LINES = 64, 3  # pictures set aside to choose from; texts of a slow step
DOTS = 400  # codes of a map of two numbers
OFTEN = 0.25  # seconds between two reports of progress
BREATH, SHARE = 0.8, 6.0  # seconds between two showings: this, or so many times what one took
KEEP_EVERY = 5.0  # seconds between two snapshots
SCORE_SECONDS = 0.4  # what scoring the pictures set aside may take
PREVIEW_SECONDS = 4.0


class Stopped(Exception):
    """Somebody has stopped the run."""


class Session:
    """Takes a run to its end while it shows what it has learned.

    wire: where orders come from and reports go. folder: where snapshots are kept, as checkpoints.
    seconds: how long it may train, 0 for as long as it takes; pauses do not count.
    """

    def __init__(self, wire: Wire, run: Run, folder: Path, seconds: float = 0.0) -> None:
        self.wire, self.run, self.folder, self.limit = wire, run, folder, seconds
        # The run would score all of them at once, at its own times; here nobody is to wait.
        self.held, self.held_labels = run.held_out, run.held_labels
        run.held_out = run.held_out[:0]
        self.scored = min(len(self.held), 64)
        self.paused = self.slow = False
        self.seconds = 0.0  # of training, pauses left out
        self.sums: dict[str, list[float]] = {}
        self.last: Progress | None = None
        self.reported = self.shown = self.kept = 0.0
        self.pace = (0.0, 0)  # (seconds, step) when speed was last measured
        self.next_show = 0.0
        self.show_seconds = 0.0
        self.rebuilds = isinstance(run.ema, Encodes) and isinstance(run.ema, Decodes)
        self.makes = showing.made_by(run.ema)
        self.by_hand: list[str] = []  # what somebody changed during the run

    # -- the loop ----------------------------------------------------------------------------------

    def work(self) -> str:
        """Trains until the end. Returns why it ended: "done", "stopped" or "time"."""
        run = self.run
        config = run.model.config
        self.wire.report(
            "started",
            total=run.total,
            parameters=sum(p.numel() for p in run.model.parameters()),
            held_out=len(self.held),
            makes=self.makes,
            rate=run.config.learning_rate,
            live={
                f.name: getattr(config, f.name)
                for f in dataclasses.fields(config)
                if f.metadata.get("live")
            },
        )
        try:
            why = self._steps()
        except Stopped:
            why = "stopped"
        self.keep()
        if 4 * self.show_seconds < PREVIEW_SECONDS and self.makes == showing.PICTURES:
            from models.checkpoints.preview import save_preview  # which brings scikit-learn with it

            save_preview(run.ema, self.folder)
        if self.makes == showing.TRANSLATIONS and run.step:
            from models.evaluation.translation import save_preview as save_translations

            save_translations(run.ema, self.run.dataset, self.folder)
        return why

    def _steps(self) -> str:
        run = self.run
        self.show()
        steps: Iterator[Progress] | None = None
        while run.step < run.total:
            self.listen()
            while self.paused and not self.slow:
                steps = None  # left, so that the time of a pause is not the run's
                self.listen(wait=True)
            started = time.perf_counter()
            if self.slow:
                self.slow = False
                self.one_slow_step()
                self.next_show = 0.0
            else:
                steps = steps or run.steps()
                self.took(next(steps))
            self.seconds += time.perf_counter() - started
            if self.limit and self.seconds > self.limit:
                self.show()
                return "time"
            if time.perf_counter() > self.next_show or run.step == run.total:
                self.show()
                if time.perf_counter() - self.kept > KEEP_EVERY:
                    self.keep()
        return "done"

    def listen(self, wait: bool = False) -> None:
        """Obeys the orders that have come; wait: until there is one. Raises Stopped."""
        while (order := self.wire.order(wait)) is not None:
            wait = False
            do = order["do"]
            if do == "stop":
                raise Stopped
            if do in ("pause", "step"):
                self.paused, self.slow = True, do == "step"
                self.tell_progress()  # the step that stands still is the one that is told
                self.wire.report("paused")
            elif do == "go":
                self.paused = False
                self.wire.report("going")
            elif do == "rate":
                self.run.rate_scale = max(0.0, float(order["value"]))
                self._by_hand(f"learning rate times {self.run.rate_scale:g}")
            elif do == "tune":
                self._tune(order["values"])

    def _tune(self, values: dict[str, Any]) -> None:
        try:
            self.run.model.tune(values)
            self.run.ema.tune(values)
        except ValueError as error:
            self.wire.report("note", words=str(error))
            return
        self._by_hand(", ".join(f"{key} {value:g}" for key, value in values.items()))

    def _by_hand(self, words: str) -> None:
        self.by_hand.append(f"{words} from step {self.run.step}")
        self.wire.report("note", words=f"From step {self.run.step} on: {words}.")

    # -- what is reported --------------------------------------------------------------------------

    def took(self, progress: Progress) -> None:
        """A step was taken."""
        for name, value in progress.logs.items():
            self.sums.setdefault(name, []).append(value)
        self.last = progress
        if progress.step in self.run.snapshots:
            self.run.keep_snapshot(progress, self.folder)
        soon = time.perf_counter() - self.reported < OFTEN
        if not soon or progress.step in (1, progress.total):
            self.tell_progress()

    def tell_progress(self) -> None:
        """Where the run is, and its logs since this was told last."""
        progress, now = self.last, time.perf_counter()
        if progress is None or not self.sums:
            return
        before, step = self.pace
        passed = self.seconds - before
        speed = (progress.step - step) * self.run.batch_size / passed if passed > 0 else 0.0
        self.pace = self.seconds, progress.step
        self.wire.report(
            "progress",
            step=progress.step,
            epoch=progress.epoch,
            rate=progress.rate,
            seconds=self.seconds,
            images_per_second=speed,
            logs={name: sum(values) / len(values) for name, values in self.sums.items()},
        )
        self.sums, self.reported = {}, now

    def one_slow_step(self) -> None:
        """One step with everything it does laid open."""
        run = self.run
        x, y = run.batch(run.step)
        before = {name: p.detach().clone() for name, p in run.model.named_parameters()}
        progress = next(run.steps())
        self.took(progress)
        self.tell_progress()
        changes: dict[str, list[float]] = {}
        depth = 1 if len({name.split(".")[0] for name in before}) > 1 else 2
        with torch.no_grad():
            for name, p in run.model.named_parameters():
                part = changes.setdefault(".".join(name.split(".")[:depth]), [0.0, 0.0, 0.0])
                part[0] += float((p - before[name]).square().sum())
                part[1] += float(before[name].square().sum())
                part[2] += p.numel()
        count = min(SAMPLES, len(x))
        classes = self.run.dataset.classes
        texts = self.makes == showing.TEXTS
        self.wire.report(
            "step",
            step=progress.step,
            images=len(x),
            batch=None if texts else _packed(x[:count]),
            texts=showing.strips(run.ema, x, LINES) if texts else [],
            labels=[classes[int(k)] for k in y[:count]] if y is not None and classes else [],
            logs=progress.logs,
            rate=progress.rate,
            parts=[
                {"name": name, "change": a**0.5, "size": b**0.5, "numbers": int(n)}
                for name, (a, b, n) in changes.items()
            ],
        )

    @torch.no_grad()
    def show(self) -> None:
        """What the kept weights make, and how they score."""
        started = time.perf_counter()
        run = self.run
        shown: dict[str, Any] = {"pictures": {}, "distance": 0.0, "codes": None}
        if self.makes == showing.TEXTS:
            shown |= showing.text(run.ema, run.recipe.seed)
        elif self.makes == showing.TRANSLATIONS:
            x = self._watched(LEAST_TRANSLATED)[0].to(run.device).float().div(255)
            found = showing.translations(run.ema, x)
            shown["pictures"] = {way: _packed(pictures) for way, pictures in found.items()}
        else:
            shown |= self._drawn()
        self.listen()
        train, held = self._scores()
        self.wire.report(
            "shown", step=run.step, seconds=self.seconds, train=train, held_out=held, **shown
        )
        self.show_seconds = time.perf_counter() - started
        self.next_show = time.perf_counter() + max(BREATH, SHARE * self.show_seconds)

    def _drawn(self) -> dict[str, Any]:
        """Samples, the training pictures nearest to them, reconstructions."""
        run, ema = self.run, self.run.ema
        shown: dict[str, Any] = {}
        drawn = None
        for frame in ema.sample_steps(SAMPLES, generator(run.recipe.seed), self._labels()):
            self.listen()
            drawn = frame.x
        as_bytes = _bytes(drawn)
        rows, distances = pictures.nearest(run.images.cpu(), as_bytes)
        shown["samples"] = _packed(as_bytes)
        shown["nearest"] = _packed(run.images[rows.to(run.device)].cpu())
        self.listen()
        codes = None
        if self.rebuilds:
            shown["rebuilt"], codes = self._rebuilt()
        return {"pictures": shown, "distance": float(distances.mean()), "codes": codes}

    def _labels(self) -> Tensor | None:
        classes = self.run.ema.class_count
        return torch.arange(SAMPLES, device=self.run.device) % classes if classes else None

    def _watched(self, n: int) -> tuple[Tensor, Tensor | None]:
        """Pictures to look at, those set aside where there are some: as bytes, and labels."""
        held = len(self.held) > 0
        images, labels = (self.held, self.held_labels) if held else (
            self.run.images.cpu(), self.run.labels)  # fmt: skip
        return images[:n], None if labels is None else labels[:n]

    def _rebuilt(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """Rows of up to four originals and what their codes give; the map, of codes of two numbers.

        Few pictures set aside fill one row; of more, those that fill no row are left out.
        """
        ema = self.run.ema
        watched = len(self._watched(PAIRS)[0])
        columns = min(COLUMNS, watched)
        images, labels = self._watched(watched - watched % columns)
        x = images.to(self.run.device).float().div(255)
        asked = {} if labels is None or not ema.class_count else {"label": labels.to(x.device)}
        z = ema.encode(x, **asked)
        if z[0].numel() >= x[0].numel():  # gives every picture back, and says nothing by that
            self.rebuilds = False
            return None, None
        rebuilt = _bytes(ema.decode(z, **asked))
        both = [rows.unflatten(0, (-1, columns)) for rows in (images, rebuilt)]
        codes = None
        if z[0].numel() == 2:
            images, labels = self._watched(DOTS)
            x = images.to(self.run.device).float().div(255)
            asked = {"label": labels.to(x.device)} if asked else {}
            points = ema.encode(x, **asked).flatten(1).cpu()
            codes = {
                "points": [[round(v, 3) for v in point] for point in points.tolist()],
                "labels": [] if labels is None else labels.tolist(),
            }
        return _packed(torch.stack(both, 1).flatten(0, 2)), codes

    def _scores(self) -> tuple[dict[str, float], dict[str, float]]:
        """The same objective on as many pictures that were trained on, and that were set aside."""
        run, n = self.run, self.scored
        if not n:
            return {}, {}
        started = time.perf_counter()
        labels = None if run.labels is None else run.labels[:n]
        try:
            held = run.score(
                self.held[:n], None if self.held_labels is None else self.held_labels[:n]
            )
            train = run.score(run.images[:n], labels)
        except RuntimeError:  # objectives that cannot be had without gradients
            self.scored = 0
            return {}, {}
        took = time.perf_counter() - started
        if run.step == 0:  # from then on always as many, so that the curve is of one thing
            self.scored = min(len(self.held), max(n, int(n * SCORE_SECONDS / max(took, 1e-3))))
            return {}, {}
        return train, held

    def keep(self) -> None:
        """A snapshot: the checkpoint that the run would leave if it ended now."""
        run = self.run
        run.minutes_before = self.seconds / 60
        if self.by_hand:
            notes = f"Changed by hand during the run: {'; '.join(self.by_hand)}."
            run.recipe = dataclasses.replace(run.recipe, notes=notes)
        run.finish(self.folder)
        self.kept = time.perf_counter()
        self.wire.report("kept", step=run.step)


def _bytes(x: Tensor) -> Tensor:
    """(N, C, H, W) in [0, 1] -> the same as uint8, on the CPU."""
    return (x.detach().float().clamp(0, 1) * 255).round().to(torch.uint8).cpu()


def _packed(images: Tensor) -> dict[str, Any]:
    """Pictures for a line of JSON: base64 of the (N, H, W, C) bytes, and the sizes."""
    images = images if images.dtype == torch.uint8 else _bytes(images)
    n, c, h, w = images.shape
    raw = images.permute(0, 2, 3, 1).contiguous().numpy().tobytes()
    return {"b64": base64.b64encode(raw).decode("ascii"), "n": n, "h": h, "w": w, "c": c}
