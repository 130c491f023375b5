"""``write`` and ``read``: a model of text goes on writing, or says what a text costs it."""

from __future__ import annotations

import argparse
import math
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.checkpoints.weights import load
from models.commands.arguments import check_knobs
from models.commands.progress import bar, each
from models.commands.sentences import about_unreadable, one_line
from models.contract.knobs import Knob, checked_seed

if TYPE_CHECKING:
    from models.contract.abilities import WritesText

MOST_TEXT = 1_000_000
SYMBOLS = Knob("n", "whole", "Characters to write.", 400, 1, 10_000)


def _loaded(args: argparse.Namespace) -> WritesText:
    from models.contract.abilities import WritesText
    from models.machine.processes import join

    model = load(args.checkpoint, join(args.device))
    if not isinstance(model, WritesText):
        raise ValueError(f"'{args.checkpoint}' neither reads nor writes text; gpt-python does.")
    return model


def write(args: argparse.Namespace) -> dict[str, Any]:
    """Prints the text that the model writes, its beginning first."""
    from models.contract.random import generator

    SYMBOLS.checked(args.n, "--n")
    checked_seed(args.seed, "--seed")
    model = _loaded(args)
    given = {name: getattr(args, name) for name in ("temperature", "top_k", "top_p")}
    knobs = {name: value for name, value in given.items() if value is not None}
    check_knobs(model.knobs("text_steps"), knobs, args.checkpoint, "writes")
    prompt = model.read_text(args.prompt.replace("\\n", "\n"))
    k = prompt[None]
    told = 0
    length = len(prompt) + args.n
    # What is written shows by itself how far it is; JSON says nothing until it is all there.
    with bar("write", length, "character") if args.json else nullcontext() as shown:
        for k in model.text_steps(1, length, generator(args.seed), prompt, **knobs):
            text = model.say_text(k[0])
            if shown is None:
                print(text[told:], end="", flush=True)
                told = len(text)
            else:
                shown.update(k.shape[1] - shown.n)
    if not args.json:
        print()
    return {"text": model.say_text(k[0]), "prompt": len(prompt), "seed": args.seed}


def read(args: argparse.Namespace) -> dict[str, Any]:
    """Prints the bits a character that each file costs. Files that cannot be read are named."""
    model = _loaded(args)
    rows, unreadable = [], {}
    for path in each(args.files, "read", "file"):
        try:
            rows.append({"file": path, **_cost(model, path)})
        except UnicodeDecodeError:
            unreadable[path] = f"'{path}' is not a text file in UTF-8; save it as UTF-8."
        except (ValueError, OSError) as error:
            unreadable[path] = one_line(error)
    if not rows:
        raise ValueError(about_unreadable(unreadable))
    if not args.json:
        for row in rows:
            print(
                f"{row['file']}: {row['bits_per_character']:.3f} bits a character (exact, "
                f"{row['characters']:,} characters)"
            )
    return {"texts": rows, **({"unreadable": unreadable} if unreadable else {})}


def _cost(model: WritesText, path: str) -> dict[str, Any]:
    file = Path(path)
    if file.is_file() and file.stat().st_size > MOST_TEXT:
        raise ValueError(f"'{path}' is over {MOST_TEXT // 1_000_000} MB; give a shorter text.")
    text = file.read_text("utf-8").replace("\t", "    ")
    if not text:
        raise ValueError(f"'{path}' is empty.")
    nats = -float(model.text_log_likelihood(model.read_text(text)[None]).double().sum())
    return {"bits_per_character": nats / math.log(2) / len(text), "characters": len(text)}
