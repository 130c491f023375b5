"""``plane``: a method on points of the plane, trained here; or the films that are shipped."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.commands.progress import bar, each
from models.machine.files import check_folder, write_atomically
from models.plane import METHODS

if TYPE_CHECKING:
    from models.plane.data import Dataset
    from models.plane.film import Moment
    from models.plane.run import Run

KINDS = (".film", ".png")
MOMENTS = 30  # of a film that is written here
MOST_MINUTES = 60.0
# The bar of a run that ends when its time is up.
SECONDS = "{desc}: {percentage:3.0f}%|{bar}| {n:.0f}/{total_fmt} s"


def add_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("method", nargs="*", metavar="METHOD", help=", ".join(METHODS))
    sub.add_argument("--set", dest="named", help="a named set, such as ring (the default)")
    sub.add_argument("--points", metavar="FILE", help="points of your own: two numbers a line")
    sub.add_argument("--n", type=int, help="points of a named set to learn from (default: 2000)")
    sub.add_argument(
        "--config", action="append", default=[], metavar="KEY=VALUE",
        help="a setting of the method; may be given several times",
    )  # fmt: skip
    sub.add_argument("--minutes", type=float, default=0.5, help="how long it trains")
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--to", metavar="FILE", help="write a .film of the run, or a .png of its end")
    sub.add_argument(
        "--ship", action="store_true",
        help="train what is shipped, in pretrained/plane: all, or these methods, or this set",
    )  # fmt: skip
    sub.add_argument("--again", action="store_true", help="with --ship: those that are there, too")
    sub.add_argument("--card", action="store_true", help="write pretrained/plane/README.md")


def run(args: argparse.Namespace) -> dict[str, Any]:
    if args.card:
        return _card(args)
    if args.ship:
        return _ship(args)
    if len(args.method) != 1:
        raise ValueError(f"Name one method. Known methods: {', '.join(METHODS)}.")
    return _train(args)


def _train(args: argparse.Namespace) -> dict[str, Any]:
    if not 0 < args.minutes <= MOST_MINUTES:
        raise ValueError(f"--minutes goes up to {MOST_MINUTES:g}, not {args.minutes:g}.")
    target = Path(args.to) if args.to else None
    if target is not None:
        if target.suffix not in KINDS:
            raise ValueError(f"--to writes a file that ends in .film or .png, not '{target.name}'.")
        check_folder(target.parent)
    from models.contract.knobs import checked_seed
    from models.plane.film import film_of, pack
    from models.plane.run import Run

    run = Run(args.method[0], _data(args), _config(args.config), checked_seed(args.seed))
    moments = _moments(
        run, 60 * args.minutes, MOMENTS if args.to and target.suffix == ".film" else 1
    )
    if target is not None and target.suffix == ".film":
        packed = pack(film_of(run, moments))
        write_atomically(target, lambda path: Path(path).write_bytes(packed))
    elif target is not None:
        from models.plane.picture import picture

        image = picture(moments[-1], run.data)
        write_atomically(target, lambda path: image.save(path, "PNG"))
    last = moments[-1]
    if not args.json:
        print(f"{run.model.TITLE}, {run.data.title}: {run.step:,} steps in {run.seconds:.1f} s.")
        for name, each in last.measures.items():
            error = f" ± {each.stderr:.4f}" if each.stderr else ""
            print(f"  {name:15} {each.value:10.4f}{error}  ({each.kind})")
        if args.to:
            print(f"Written: {args.to}")
    measures = {name: each.as_dict() for name, each in last.measures.items()}
    return {
        "method": run.key, "set": run.data.key, "steps": run.step, "seconds": run.seconds,
        "parameters": run.parameters, "measures": measures, "to": args.to,
    }  # fmt: skip


def _moments(run: Run, seconds: float, count: int) -> list[Moment]:
    """Trains for some seconds. Returns moments further and further apart, the last measured."""
    from models.plane.film import moment_of

    moments, following = [], 0.0
    with bar("train", round(seconds), "s", bar_format=SECONDS) as shown:
        while not run.model.finished and run.seconds < seconds:
            if count > 1 and run.seconds >= following and len(moments) < count - 1:
                moments.append(moment_of(run))
                following = max(0.1, run.seconds) * (10 * seconds + 1) ** (1 / (count - 2))
            run.advance()
            shown.update(min(run.seconds, seconds) - shown.n)
    return [*moments, moment_of(run)]


def _data(args: argparse.Namespace) -> Dataset:
    from models.plane.data import dataset, own, read_points

    if args.points and (args.named or args.n is not None):
        raise ValueError("Points come from --points or from --set, not from both.")
    if args.points:
        return own(read_points(args.points), args.seed, "own", Path(args.points).name)
    return dataset(args.named or "ring", 2000 if args.n is None else args.n, args.seed)


def _config(given: list[str]) -> dict[str, Any]:
    values = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--config takes KEY=VALUE, not '{text}'.")
        try:
            values[key.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:  # a word without its quotes
            values[key.strip()] = value.strip()
    return values


def _ship(args: argparse.Namespace) -> dict[str, Any]:
    import torch

    from models.plane import shipped
    from models.plane.contract import method
    from models.plane.data import DENSITIES, dataset

    torch.set_num_threads(1)  # the seconds on the card are those of one core
    for name in args.method:
        method(name)
    if args.named is not None:
        dataset(args.named)
    done = []
    sets = [args.named] if args.named else DENSITIES
    runs = [(key, name) for key in sets for name in args.method or METHODS]
    # A line for each says how far it is; JSON says nothing until all are there.
    for key, name in each(runs, "ship", "film") if args.json else runs:
        if shipped.path_of(name, key).is_file() and not args.again:
            continue
        facts = shipped.ship(name, key)
        kl = facts["measures"][-1]["kl_forward"]["value"]
        done.append({"method": name, "set": key, "kl_forward": kl})
        if not args.json:
            print(f"{name} {key}: {facts['seconds'][-1]:.1f} s, KL {kl:.3f} nats", flush=True)
    return {"shipped": done}


def _card(args: argparse.Namespace) -> dict[str, Any]:
    from models.plane.card import card
    from models.plane.shipped import FOLDER

    text, path = card(), FOLDER / "README.md"
    write_atomically(path, lambda temporary: Path(temporary).write_text(text, encoding="utf-8"))
    if not args.json:
        print(f"Written: {path}")
    return {"card": str(path)}
