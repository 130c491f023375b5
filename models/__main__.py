"""The command line: the same models as the page, without the page.

    python -m models list [--markdown models|scores] [--into FILE]
    python -m models train RECIPE [--set a.b=c] [--data-dir D] [--out D] [--resume] [--device cpu]
    python -m models evaluate CHECKPOINT [--data-dir D] [--n N] [--json]
    python -m models sample CHECKPOINT --n 64 --seed 0 [--label K] [--steps S]
                              [--sampler NAME] [--guidance W] [--truncation T] --out grid.png
    python -m models score CHECKPOINT IMAGE... [--by SCORE ...] [--json]

With ``--json`` one JSON object stands on stdout and nothing else. What is wrong with an argument is
said in one line on stderr, and the exit status is 2; a run that fails, or that could not write what
it found, ends with status 1. Ctrl-C ends ``train`` after the step that is under way, with its state
written: the same command with ``--resume`` goes on from there.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import sys
from pathlib import Path
from typing import Any

from models.checkpoints.header import SHIPPED, WEIGHTS, CheckpointError, find, read_header, resolve
from models.checkpoints.weights import load
from models.contract.knobs import (
    MOST_DRAWS,
    MOST_IMAGES,
    MOST_PICTURES,
    Knob,
    checked_seed,
    named,
)
from models.machine.files import CannotWrite, check_folder, write_atomically

# Before torch is imported: its threads sleep at a barrier instead of spinning. Where others share
# the processor, spinning threads made a run of small steps fifteen times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


# What every model takes, whatever its knobs: checked before anything is loaded.
PICTURES = Knob("n", "whole", "Pictures to draw.", 64, 1, MOST_PICTURES)
IMAGES = Knob("n", "whole", "Test images; 0 is all of them.", 0, 0, MOST_IMAGES)
DRAWS = Knob("samples", "whole", "Draws an image of an estimated likelihood.", None, 1, MOST_DRAWS)
# The knobs that have an option of their own here.
OFFERED = ("temperature", "steps", "sampler", "guidance", "truncation", "samples")


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without repeating the usage."""

    def error(self, message: str) -> None:
        self.exit(2, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    main = Parser(prog="python -m models", description="Train, measure and use generative models.")
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help: str, *shared: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        if "checkpoint" in shared:
            sub.add_argument("checkpoint", help="a folder, a .safetensors file, or a shipped name")
        if "data" in shared:
            sub.add_argument(
                "--data-dir",
                help="folder that holds data sets (else the environment "
                "variable GENERATIVE_EXPLORER_DATA, else the network)",
            )
        if "device" in shared:
            sub.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
        if "json" in shared:
            sub.add_argument("--json", action="store_true", help="print one JSON object")
        return sub

    sub = command("list", "recipes, and the checkpoints that are here", "json")
    sub.add_argument(
        "--markdown",
        nargs="?",
        const="models",
        choices=("models", "scores"),
        help="print a table: of the models, or of what their scores tell apart",
    )
    sub.add_argument(
        "--into",
        metavar="FILE",
        help="write both tables into this file, such as pretrained/README.md, in place of its own",
    )
    sub.add_argument("--checkpoints", default=str(SHIPPED), help="folder of checkpoints")

    sub = command("train", "train a recipe", "data", "device")
    sub.add_argument("recipe", help="a recipe's name, or a .toml file")
    sub.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="override a setting; may be given several times",
    )
    sub.add_argument("--out", help="folder to write to (default: runs/NAME)")
    sub.add_argument("--resume", action="store_true", help="go on with the run in --out")
    sub.add_argument("--quiet", action="store_true", help="no progress bar")

    sub = command(
        "evaluate",
        "measure a checkpoint on test images, and write its card",
        "checkpoint",
        "data",
        "device",
        "json",
    )
    sub.add_argument(
        "--n",
        type=int,
        help="test images to use (default: the recipe's; 0 is all), or samples of every snapshot "
        "and at every truncation (default: 2048)",
    )
    sub.add_argument("--samples", type=int, help="draws an image of an estimated likelihood")
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument(
        "--only",
        nargs="+",
        default=[],
        choices=(
            *("accuracy", "likelihood", "quality", "steps", "codes"),
            *("scores", "snapshots", "truncation", "chains"),
        ),
        help="measure these alone; the other numbers stay as they are (scores, snapshots, "
        "truncation and chains, which take long, are measured only when asked for)",
    )
    sub.add_argument("--dry", action="store_true", help="measure, but do not write the card")

    sub = command("sample", "draw a grid of samples", "checkpoint", "device", "json")
    sub.add_argument("--n", type=int, default=64)
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--label", type=int)
    sub.add_argument(
        "--temperature", type=float, help="how far from the likeliest; 1 is as trained"
    )
    sub.add_argument("--steps", type=int, help="steps of a sampler that takes steps")
    sub.add_argument("--sampler", help="which sampler: dpm, heun, euler, ddim, ddpm, langevin, ode")
    sub.add_argument("--guidance", type=float, help="how far towards the class; 1 is as it is")
    sub.add_argument("--truncation", type=float, help="noise of a GAN stays within +- this")
    sub.add_argument("--out", required=True, help="picture file to write, such as grid.png")

    sub = command(
        "score", "likelihoods of picture files, or how strange", "checkpoint", "device", "json"
    )
    sub.add_argument("images", nargs="+", metavar="IMAGE")
    sub.add_argument(
        "--polarity",
        default="auto",
        choices=("auto", "keep", "invert"),
        help="which way round black and white are: as the border tells, as it is, or inverted",
    )
    sub.add_argument(
        "--by",
        nargs="*",
        metavar="SCORE",
        help="anomaly scores to print, higher is stranger (alone: all that the model has)",
    )
    sub.add_argument(
        "--samples",
        type=int,
        help="draws an image (default: 100 codes of a VAE, 4 noises of a flow, 2 paths of an ODE)",
    )
    sub.add_argument("--seed", type=int, default=0)
    return main


# -- commands: each returns what --json prints, and prints its own words otherwise -----------------


def list_command(args: argparse.Namespace) -> dict[str, Any]:
    from models.training.recipe import load_recipe, recipe_names

    headers, broken = [], {}
    if not Path(args.checkpoints).is_dir():
        raise ValueError(f"There is no folder '{args.checkpoints}'.")
    for folder in find(args.checkpoints):
        try:
            header = read_header(folder)
        except CheckpointError as error:
            broken[folder.name] = str(error)
            continue
        headers.append(header)
    rows = [
        {
            "name": header.name,
            "family": header.family,
            "title": header.title,
            "data": header.data["name"],
            "parameters": header.parameters,
            "capabilities": header.capabilities,
            "metrics": header.metrics,
            "problems": list(header.problems),
        }
        for header in headers
    ]
    recipes = {name: load_recipe(name).title for name in recipe_names()}
    if args.markdown or args.into:
        from models.evaluation.card import TABLES, with_tables

        if args.markdown:
            print(TABLES[args.markdown](headers))
        if args.into:
            text = with_tables(Path(args.into).read_text("utf-8"), headers)
            write_atomically(Path(args.into), lambda path: Path(path).write_text(text, "utf-8"))
        for sentence in (*broken.values(), *(s for h in headers for s in h.problems)):
            print(sentence, file=sys.stderr)  # what the table lacks
    elif not args.json:
        print("Checkpoints:")
        for row in rows:
            print(
                f"  {row['name']:16} {row['family']:11} {row['data']:14} "
                f"{row['parameters']:>10,} parameters  {row['title']}"
            )
        for name, sentence in broken.items():
            print(f"  {name}: {sentence}")
        for header in headers:
            for sentence in header.problems:
                print(f"  {sentence}")
        print("Recipes:")
        for name, title in recipes.items():
            print(f"  {name:16} {title}")
    return {"checkpoints": rows, "unreadable": broken, "recipes": recipes}


def train_command(args: argparse.Namespace) -> dict[str, Any]:
    from tqdm import tqdm

    from models.data import datasets
    from models.machine.processes import here, join
    from models.training.recipe import load_recipe
    from models.training.train import Progress, train

    recipe = load_recipe(args.recipe, args.set)
    out = Path(args.out or Path("runs") / recipe.name)
    check_folder(out)
    device = join(args.device)
    dataset = datasets.load(recipe.data.name, "train", args.data_dir)
    for note in dataset.notes if here().main else ():
        print(note)
    bar = tqdm(unit="step", disable=args.quiet or not here().main, dynamic_ncols=True)

    def show(now: Progress) -> None:
        if bar.total is None:
            bar.reset(now.total)
            bar.initial = bar.n = now.step - 1
        bar.update()
        if now.step % 20 == 0 or now.step == now.total:
            losses = {k: f"{v:.4g}" for k, v in now.logs.items() if not k.endswith("_grad")}
            bar.set_postfix({"images/s": f"{now.images_per_second:.0f}", **losses}, refresh=False)

    with bar:
        folder = train(recipe, dataset, out, device, args.resume, show)
    print(f"Wrote {folder}. Measure it with: python -m models evaluate {folder}")
    return {}


def evaluate_command(args: argparse.Namespace) -> dict[str, Any]:
    from models.evaluation.evaluate import NotKept, evaluate
    from models.machine.processes import join

    checked_seed(args.seed, "--seed")
    if args.n is not None:
        IMAGES.checked(args.n, "--n")
    if args.samples is not None:
        DRAWS.checked(args.samples, "--samples")
    file = resolve(args.checkpoint)
    if not args.dry:
        _check_results(file.parent)
    if file.name != WEIGHTS:
        raise ValueError(f"Results are written beside the weights: call '{file.name}' {WEIGHTS}.")
    unwritten = None
    try:
        header = evaluate(
            file.parent,
            args.data_dir,
            join(args.device),
            n=args.n,
            samples=args.samples,
            seed=args.seed,
            only=args.only,
            write=not args.dry,
            progress=not args.json,
        )
    except NotKept as error:  # what was measured is shown in any case
        header, unwritten = error.header, error
    if not args.json:
        from models.evaluation.card import meaning, number

        for name, metric in header.metrics.items():
            error = f" ± {number(metric['stderr'])}" if metric.get("stderr") is not None else ""
            print(
                f"{name:22} {number(metric['value'])}{error}  n={metric.get('n')}  {meaning(name)}"
            )
    measured = {"name": header.name, "metrics": header.metrics}
    if unwritten is not None:
        if args.json:
            print(json.dumps(measured))
        raise unwritten
    return measured


def sample_command(args: argparse.Namespace) -> dict[str, Any]:
    import torch

    from models.contract.capabilities import Samples
    from models.contract.random import generator
    from models.data import pictures
    from models.evaluation.samples import sample
    from models.machine import processes

    PICTURES.checked(args.n, "--n")
    checked_seed(args.seed, "--seed")
    out = Path(args.out)
    pictures.check_writable(out)
    check_folder(out.parent)
    model = load(args.checkpoint, processes.join(args.device))
    if not isinstance(model, Samples):
        raise ValueError(f"'{args.checkpoint}' cannot be sampled from; it is no generative model.")
    _check_label(model, args.label)
    names = ("temperature", "steps", "sampler", "guidance", "truncation")
    given = {name: getattr(args, name) for name in names}
    knobs = {name: value for name, value in given.items() if value is not None}
    _check_knobs(model.knobs("sample_steps"), knobs, args.checkpoint, "samples")
    with torch.no_grad():
        images = sample(model, args.n, generator(args.seed), args.label, **knobs)
    if processes.here().main:
        pictures.save(pictures.grid(images), out)
    if not args.json:
        print(f"Wrote {args.n} samples to {out}.")
    return {"out": str(out), "n": args.n, "seed": args.seed}


def score_command(args: argparse.Namespace) -> dict[str, Any]:
    from models.contract.capabilities import HasLikelihood
    from models.contract.numbers import bits_per_dim
    from models.machine.processes import join
    from models.scores.each import likelihood_each

    checked_seed(args.seed, "--seed")
    if args.samples is not None:
        DRAWS.checked(args.samples, "--samples")
    if args.by is not None:
        return _score_by(args)
    effort = {} if args.samples is None else {"samples": args.samples}
    model = load(args.checkpoint, join(args.device))
    if not isinstance(model, HasLikelihood):
        raise ValueError(f"'{args.checkpoint}' gives no likelihood; it is another kind of model.")
    _check_knobs(model.knobs("log_likelihood"), effort, args.checkpoint, "is scored")
    paths, images, unreadable = _read(args, model.image_shape)
    rows = []
    for path, picture in zip(paths, images, strict=True):
        # One by one: what kind of number it is depends on the picture.
        result = likelihood_each(model, picture[None].to(model.device), args.seed, **effort)
        nats = float(result.nats)
        rows.append(
            {
                "image": path,
                "nats": nats,
                "bpd": float(bits_per_dim(-nats, model.image_shape)),
                "kind": result.kind,
                "space": result.space,
                "stderr": None if result.stderr is None else float(result.stderr),
            }
        )
    if not args.json:
        for row in rows:
            error = "" if row["stderr"] is None else f" ± {row['stderr']:.2f}"
            print(
                f"{row['image']}: log p(x) = {row['nats']:.2f}{error} nats "
                f"({row['bpd']:.3f} bits/dim, {row['kind']}, {row['space']})"
            )
    return {"scores": rows, **unreadable}


def _check_results(folder: Path) -> None:
    """Raises ValueError where results could not be written into the checkpoint's folder."""
    try:
        check_folder(folder)
    except ValueError as error:
        sentence = str(error).removesuffix("; choose another folder.")
        raise ValueError(f"{sentence}; with --dry the results are only printed.") from error


def _read(
    args: argparse.Namespace, shape: tuple[int, int, int]
) -> tuple[list[str], Any, dict[str, Any]]:
    """(paths, pictures (N, C, H, W), further facts): those that can be read; "prepared", what was
    done to each picture by path, and "unreadable", what is wrong by path, where anything is. Raises
    ValueError where none can be read."""
    import torch

    from models.data import pictures
    from models.data.framing import UNTOUCHED

    data = read_header(args.checkpoint).data
    read, wrong = {}, {}
    for path in args.images:
        try:
            read[path] = pictures.read(
                path, shape, data["name"], args.polarity, data.get("ground", "")
            )
        except (ValueError, OSError) as error:
            wrong[path] = _line(error)
    if not read:
        raise ValueError(next(iter(wrong.values())))
    kept = [path for path in args.images if path in read]
    images = torch.stack([torch.from_numpy(read[path].pixels) for path in kept])
    facts: dict[str, Any] = {"prepared": {path: each.note for path, each in read.items()}}
    if not args.json:
        for note in dict.fromkeys(facts["prepared"].values()):
            if note == UNTOUCHED:
                continue
            alike = [path for path in read if read[path].note == note]
            others = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
            print(f"{alike[0]}{others}: {note}")
    return kept, images, facts | ({"unreadable": wrong} if wrong else {})


def _score_by(args: argparse.Namespace) -> dict[str, Any]:
    """Anomaly scores, each with what part of the model's own test images are less strange."""
    from models.checkpoints.reference import read_reference
    from models.machine.processes import join
    from models.scores.background import background_of
    from models.scores.each import score_each
    from models.scores.registry import SCORES
    from models.scores.scores import applicable

    if args.samples is not None:
        raise ValueError("--samples is for likelihoods alone: leave it or --by out.")
    folder = resolve(args.checkpoint).parent
    model, reference = load(args.checkpoint, join(args.device)), read_reference(folder)
    header = read_header(args.checkpoint)
    background = background_of(header, (folder.parent, SHIPPED), model.device)
    names = args.by or applicable(model, reference, background)
    if not names:
        raise ValueError(f"'{args.checkpoint}' has no anomaly score; it is another kind of model.")
    if background is None and not args.by:
        names = tuple(name for name in names if not SCORES[name].background)
    paths, x, unreadable = _read(args, model.image_shape)
    found = score_each(model, x.to(model.device), names, args.seed, reference, background)
    rows: list[dict[str, Any]] = [{"image": path, "scores": {}} for path in paths]
    for name, scored in found.items():
        percentiles = [None] * len(x)
        if reference is not None and name in reference.scores:
            percentiles = reference.percentile(name, scored.values.cpu().numpy()).tolist()
        errors = [error or None for error in scored.stderr.tolist()]
        each = zip(rows, scored.values.tolist(), errors, percentiles, strict=True)
        for row, value, error, percentile in each:
            facts = {"value": value, "stderr": error, "unit": SCORES[name].unit}
            row["scores"][name] = {**facts, "percentile": percentile}
    if not args.json:
        for row in rows:
            print(f"{row['image']}:")
            for name, facts in row["scores"].items():
                where = ""
                if facts["percentile"] is not None:
                    where = f"  stranger than {facts['percentile']:.1f} % of the test images"
                error = "" if facts["stderr"] is None else f" ± {facts['stderr']:.2f}"
                print(f"  {name:15} {facts['value']:10.2f}{error} {facts['unit']}{where}")
    return {"scores": rows, **unreadable}


def _check_knobs(known: tuple[Knob, ...], given: dict[str, Any], name: str, does: str) -> None:
    """Raises ValueError where a setting is none of the model's, or has no such value."""
    knobs = named(known)
    for key, value in given.items():
        if key not in knobs:
            others = ", ".join(f"--{other}" for other in knobs if other in OFFERED)
            instead = f" It takes {others}." if others else ""
            raise ValueError(f"'{name}' {does} without --{key}; leave it out.{instead}")
        knobs[key].checked(value, f"--{key}")


def _check_label(model: Any, label: int | None) -> None:
    classes = model.class_count
    if label is None:
        return
    if classes < 1:
        raise ValueError("This model is not class-conditional; leave --label out.")
    if not 0 <= label < classes:
        raise ValueError(f"--label goes from 0 to {classes - 1}, not {label}.")


COMMANDS = {
    "list": list_command,
    "train": train_command,
    "evaluate": evaluate_command,
    "sample": sample_command,
    "score": score_command,
}


# What a Ctrl-C leaves of a command, where there is more to say than that it has stopped.
NOTHING_KEPT = {"train": "Stopped before a step was taken; what was there is as it was."}


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    as_json = getattr(args, "json", False)
    # Of the processes of an `accelerate launch`, one speaks.
    first = os.environ.get("RANK", "0") == "0" or os.environ.get("WORLD_SIZE", "1") == "1"
    if not first:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, for as long as the process lives
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    for chatty in ("numba", "httpx", "PIL", "datasets"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        if hasattr(args, "checkpoint") and first:
            for sentence in read_header(args.checkpoint).problems:
                print(f"python -m models {args.command}: {sentence}", file=sys.stderr)
        result = COMMANDS[args.command](args)
        if as_json:
            print(json.dumps(_valid(result), allow_nan=False))
        if args.command == "score" and (unreadable := result.get("unreadable")):
            print(f"python -m models score: {_told(unreadable)}", file=sys.stderr)
            return 2
        return 0
    except KeyboardInterrupt as stop:
        if first:
            print(str(stop) or NOTHING_KEPT.get(args.command, "Stopped."), file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader went away: head, less
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except CannotWrite as error:  # the work was done; there was no room for it
        print(f"python -m models {args.command}: {_line(error)}", file=sys.stderr)
        return 1
    except (ValueError, OSError) as error:
        if first:  # the others found the same
            print(f"python -m models {args.command}: {_line(error)}", file=sys.stderr)
        return 2
    except RuntimeError as error:  # a run that failed, not an argument
        print(f"python -m models {args.command}: {_line(error)}", file=sys.stderr)
        return 1


def _valid(value: Any) -> Any:
    """The same without nan and infinity, which JSON has no words for: null."""
    if isinstance(value, dict):
        return {key: _valid(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_valid(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _told(unreadable: dict[str, str]) -> str:
    """One line about files that could not be read; the others were."""
    (_, why), *others = unreadable.items()
    if not others:
        return why
    return f"{why} Nor could {', '.join(repr(path) for path, _ in others)} be read."


def _line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else f"{error.strerror}."
    return " ".join(str(error).split())


if __name__ == "__main__":
    sys.exit(main())
