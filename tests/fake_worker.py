"""A worker without torch, for tests of jobs: quick, and able to die in every way.

The recipe says what becomes of it: ``{"steps": N, "seconds": of each, "ends": how}``.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path

orders: queue.Queue = queue.Queue()


def listen() -> None:
    for line in sys.stdin:
        orders.put(json.loads(line))
    os._exit(0)


def say(what: str, **values) -> None:
    print(json.dumps({"is": what, **values}), flush=True)


def keep(folder: Path, step: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_text(str(step))
    say("kept", step=step)


def train(order: dict) -> None:
    recipe, out = order["recipe"], Path(order["out"])
    say("loaded", n=10)
    say("started", total=recipe["steps"], parameters=1, held_out=0, rate=1.0, live={})
    why, paused, step = "done", False, 0
    while step < recipe["steps"]:
        try:
            do = orders.get(block=paused)["do"] if paused else orders.get_nowait()["do"]
        except queue.Empty:
            do = ""
        if do == "stop" and recipe.get("ends") != "deaf":
            why = "stopped"
            break
        if do in ("pause", "go", "step"):
            paused = do != "go"
            say("paused" if paused else "going")
            if do == "pause":
                continue
        step += 1
        time.sleep(recipe.get("seconds", 0))
        say(
            "progress",
            step=step,
            epoch=0,
            rate=1,
            seconds=0,
            images_per_second=1,
            logs={"loss": step},
        )
        if step == 2:
            keep(out, step)
            if recipe.get("ends") == "failed":
                say("failed", words="The loss stopped being finite.")
                return
            if recipe.get("ends") == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
    keep(out, step)
    say("ended", why=why, step=step)


def plane(order: dict) -> None:
    """A run on the plane: its moments are numbers; "tune" and parts of a step are told as notes.
    The truth is told again after the second."""
    say("started", truth="truth")
    step, paused, why = 0, False, "done"
    while step < order["config"].get("steps", 5):
        try:
            told = orders.get(block=paused) if paused else orders.get_nowait()
        except queue.Empty:
            told = {"do": ""}
        do = told["do"]
        if do == "stop":
            why = "stopped"
            break
        if do in ("pause", "go", "step"):
            paused = do != "go"
            say("paused" if paused else "going")
            if do == "pause":
                continue
        if do == "tune":
            say("note", words=json.dumps(told["values"]))
        step += 1
        time.sleep(order["config"].get("seconds", 0))
        say("moment", packed=str(step))
        if step == 2:
            say("truth", truth="truth and field")
        if order["config"].get("ends") == "failed":
            say("failed", words="The loss is no number any more.")
            return
    say("ended", why=why, step=step)


if __name__ == "__main__":
    threading.Thread(target=listen, daemon=True).start()
    say("ready")
    while True:
        order = orders.get()
        if order["do"] == "train":
            train(order)
            break
        if order["do"] == "plane":
            plane(order)
            continue
        if order["do"] in ("hurry", "stop", "tune", "go", "pause", "step"):
            continue
        if order.get("recipe", {}).get("ends") == "slow":
            time.sleep(60)
        say("estimated", parameters=1, folder=order["folder"])
