"""What may be asked on the command line, and what is wrong with it before any work."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from models.checkpoints.header import SHIPPED
from models.commands import export, plane
from models.contract.knobs import MOST_DRAWS, MOST_IMAGES, MOST_PICTURES, Knob, named

if TYPE_CHECKING:
    from models.contract.model import Model

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

    sub = command("train", "train a recipe", "data", "device", "json")
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
        "tricks", "train a recipe with its tricks switched on one at a time", "data", "device"
    )
    sub.add_argument("recipe", help="a recipe that has a table in models/training/tricks")
    sub.add_argument("--out", help="folder to write to, or to go on in (default: runs/NAME-tricks)")

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
        help="test images to use (default: the recipe's; 0 is all), or samples of what --only "
        "names (default: the recipe's quality_n, 2048)",
    )
    sub.add_argument("--samples", type=int, help="draws an image of an estimated likelihood")
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument(
        "--only",
        nargs="+",
        default=[],
        choices=(
            *("accuracy", "likelihood", "quality", "steps", "codes"),
            *("scores", "cas", "snapshots", "truncation", "chains", "moments", "tricks"),
        ),
        help="measure these alone; the other numbers stay as they are (scores, cas, snapshots, "
        "truncation, chains, moments and tricks, which take long, are measured only when asked "
        "for)",
    )
    sub.add_argument(
        "--against",
        metavar="DATA",
        help="hold samples against a data set or a folder of pictures (a folder for each class, or "
        "none), whatever the model was trained on; nothing is written",
    )
    sub.add_argument(
        "--run",
        help="of moments: a run of the same recipe that kept snapshots (default: the checkpoint); "
        "of tricks: the folder that 'tricks' wrote",
    )
    sub.add_argument("--dry", action="store_true", help="measure, but do not write the card")

    sub = command("film", "film how a checkpoint makes pictures", "checkpoint", "device", "json")
    sub.add_argument("--seed", type=int, default=0)

    sub = command("sample", "draw a grid of samples", "checkpoint", "device", "json")
    sub.add_argument("--n", type=int, default=64)
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--label", type=int)
    sub.add_argument(
        "--temperature", type=float, help="how far from the likeliest; 1 is as trained"
    )
    sub.add_argument("--steps", type=int, help="steps of a sampler that takes steps")
    sub.add_argument(
        "--sampler",
        help="which sampler: dpm, heun, euler, ddim, ddpm, langevin, ode; "
        "scheduler, a diffusers model's own",
    )
    sub.add_argument("--guidance", type=float, help="how far towards the class; 1 is as it is")
    sub.add_argument("--truncation", type=float, help="noise of a GAN stays within +- this")
    sub.add_argument("--out", required=True, help="picture file to write, such as grid.png")

    sub = command(
        "score", "likelihoods of picture files, or how strange", "checkpoint", "device", "json"
    )
    _add_pictures(sub)
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
    sub = command(
        "translate", "picture files as pictures of another kind", "checkpoint", "device", "json"
    )
    _add_pictures(sub)
    sub.add_argument("--direction", help='from what to what, such as "outline to picture"')
    sub.add_argument("--cycle", action="store_true", help="translate the result back as well")
    sub.add_argument("--out", required=True, help="picture file to write, such as grid.png")
    sub = command("plane", "train a method on points of the plane", "json")
    plane.add_arguments(sub)
    sub = command("write", "go on writing a text", "checkpoint", "device", "json")
    sub.add_argument("--prompt", default="", help="how the text begins; \\n is a new line")
    sub.add_argument("--n", type=int, default=400, help="characters to write")
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument("--temperature", type=float, help="1 is as trained; less is safer")
    sub.add_argument("--top-k", type=int, help="draw from the K likeliest characters; 0: all")
    sub.add_argument("--top-p", type=float, help="draw from the likeliest that have share P")
    sub = command("read", "bits a character of text files", "checkpoint", "device", "json")
    sub.add_argument("files", nargs="+", metavar="FILE")
    sub = command("export", "a model as one HTML file that runs without Python", "json")
    export.add_arguments(sub)
    return main


def _add_pictures(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("images", nargs="+", metavar="IMAGE")
    sub.add_argument(
        "--polarity",
        default="auto",
        choices=("auto", "keep", "invert"),
        help="which way round black and white are: as the border tells, as it is, or inverted",
    )


def check_knobs(known: tuple[Knob, ...], given: dict[str, Any], name: str, does: str) -> None:
    """Raises ValueError where a setting is none of the model's, or has no such value."""
    knobs = named(known)
    for key, value in given.items():
        if key not in knobs:
            others = ", ".join(f"--{other}" for other in knobs if other in OFFERED)
            instead = f" It takes {others}." if others else ""
            raise ValueError(f"'{name}' {does} without --{key}; leave it out.{instead}")
        knobs[key].checked(value, f"--{key.replace('_', '-')}")


def instead(model: Model) -> str:
    """A sentence, after a space, on the commands that serve a model of another kind; or nothing."""
    from models.contract.abilities import Translates, WritesText

    if isinstance(model, WritesText):
        return " It is a model of text: use 'write' and 'read'."
    return " It translates pictures: use 'translate'." if isinstance(model, Translates) else ""


def check_label(model: Model, label: int | None) -> None:
    classes = model.class_count
    if label is None:
        return
    if classes < 1:
        raise ValueError("This model is not class-conditional; leave --label out.")
    if not 0 <= label < classes:
        raise ValueError(f"--label goes from 0 to {classes - 1}, not {label}.")
