"""The worker of ``tests.fake_worker`` for runs that the page itself begins: the beginning and each
step take a little while, so that one can be found at any moment."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

from tests import fake_worker
from tests.fake_worker import listen, orders, say

SECONDS = 0.05  # a step
BEGINNING = 2.0


MODEL = "CHECKPOINT_OF_RUNS"  # what a run leaves: a folder of a model that is there already


def keep(folder: Path, step: int) -> None:
    shutil.copytree(os.environ[MODEL], folder, dirs_exist_ok=True)
    say("kept", step=step)


def main() -> None:
    if MODEL in os.environ:
        fake_worker.keep = keep
    threading.Thread(target=listen, daemon=True).start()
    say("ready")
    while (order := orders.get())["do"] != "train":
        if order["do"] == "estimate":
            say("failed", words="Nothing is estimated here.")
    time.sleep(BEGINNING)
    steps = order["recipe"]["train"]["steps"]
    fake_worker.train({**order, "recipe": {"steps": steps, "seconds": SECONDS}})


if __name__ == "__main__":
    main()
