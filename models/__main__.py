"""The command line: the same models as the page, without the page.

    python -m models list [--markdown models|scores] [--into FILE]
    python -m models train RECIPE [--set a.b=c] [--data-dir D] [--out D] [--resume] [--json]
    python -m models tricks RECIPE [--data-dir D] [--out D]
    python -m models evaluate CHECKPOINT [--data-dir D] [--n N] [--json]
    python -m models sample CHECKPOINT --n 64 --seed 0 [--label K] [--steps S]
                              [--sampler NAME] [--guidance W] [--truncation T] --out grid.png
    python -m models film CHECKPOINT [--seed 0]
    python -m models score CHECKPOINT IMAGE... [--by SCORE ...] [--json]
    python -m models translate CHECKPOINT IMAGE... [--direction "A to B"] [--cycle] --out grid.png
    python -m models plane METHOD [--set ring] [--points FILE] [--minutes 0.5]
                              [--to FILE.film|.png] [--json]
    python -m models export CHECKPOINT --to page.html [--weights float16|float32|int8]
    python -m models export CHECKPOINT... --space FOLDER
    python -m models write CHECKPOINT [--prompt TEXT] [--n 400] [--temperature T]
    python -m models read CHECKPOINT FILE... [--json]

With ``--json`` one JSON object stands on stdout and nothing else. What is wrong with an argument is
said in one line on stderr, and the exit status is 2; a run that fails, or that could not write what
it found, ends with status 1. Ctrl-C ends ``train`` after the step that is under way, with its state
written: the same command with ``--resume`` goes on from there.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
from typing import Any

from models.checkpoints.header import read_header
from models.commands import (
    evaluate,
    export,
    film,
    plane,
    sample,
    score,
    train,
    translate,
    tricks,
    words,
)
from models.commands import list as list_checkpoints
from models.commands.arguments import parser
from models.commands.sentences import about_unreadable, one_line
from models.machine.files import CannotWrite

# Before torch is imported: its threads sleep at a barrier instead of spinning. Where others share
# the processor, spinning threads made a run of small steps fifteen times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

COMMANDS = {
    "list": list_checkpoints.run,
    "train": train.run,
    "tricks": tricks.run,
    "evaluate": evaluate.run,
    "film": film.run,
    "sample": sample.run,
    "score": score.run,
    "translate": translate.run,
    "plane": plane.run,
    "export": export.run,
    "write": words.write,
    "read": words.read,
}

READING = ("score", "translate", "read")  # commands that read files, of which some may be bad

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
    for chatty in ("numba", "httpx", "httpx2", "PIL", "datasets"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        if hasattr(args, "checkpoint") and first:
            for sentence in read_header(args.checkpoint).problems:
                print(f"python -m models {args.command}: {sentence}", file=sys.stderr)
        result = COMMANDS[args.command](args)
        if as_json:
            print(json.dumps(_valid(result), allow_nan=False))
        if args.command in READING and (unreadable := result.get("unreadable")):
            sentence = about_unreadable(unreadable)
            print(f"python -m models {args.command}: {sentence}", file=sys.stderr)
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
        print(f"python -m models {args.command}: {one_line(error)}", file=sys.stderr)
        return 1
    except (ValueError, OSError) as error:
        if first:  # the others found the same
            print(f"python -m models {args.command}: {one_line(error)}", file=sys.stderr)
        return 2
    except RuntimeError as error:  # a run that failed, not an argument
        print(f"python -m models {args.command}: {one_line(error)}", file=sys.stderr)
        return 1


def _valid(value: Any) -> Any:
    """The same without nan and infinity, which JSON has no words for: null."""
    if isinstance(value, dict):
        return {key: _valid(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_valid(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    sys.exit(main())
