"""A visitor's run from Start to its end: begun, slowed down, steered, stopped, looked at."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.components import say
from explorer.components.film.film import held
from explorer.page import saves
from explorer.page.context import Context
from explorer.page.part import Asked, Screen, screen
from explorer.server.jobs import Job, JobError
from explorer.server.reading import NotYet
from explorer.server.visitors import Visitor
from explorer.tabs.train import keep, setup, watch, yours
from explorer.tabs.train.mine import live, whose


def start(context: Context, name: str, asked: Asked) -> Screen:
    """A run of what the controls say begins, now or when its turn comes."""
    visitor = whose(context, asked)
    if setup.is_absent(context, asked.data):
        raise NotYet("Fetch these pictures from the Hub first, by the button below them.")
    recipe = setup.recipe_of(visitor, asked.data, asked.family, asked.size, asked.given)
    try:
        job = context.visitors.begin(visitor, recipe.name, recipe.to_dict())
    except JobError as error:
        if live(visitor) is None:
            raise
        # A run that was begun in another of their pages is shown in this one from here on.
        return screen(status=say(str(error), kind="problem"), timer=gr.Timer(active=True))
    status = watch.status(job, context.visitors.jobs.place(job))
    return screen(status=status, timer=gr.Timer(active=True), ahead=gr.Markdown(visible=False))


def pause(context: Context, name: str, asked: Asked) -> None:
    """Pauses the run, or goes on with it."""
    if (job := live(whose(context, asked))) is not None:
        job.tell("go" if job.state == "paused" else "pause")


def one_step(context: Context, name: str, asked: Asked) -> None:
    """Takes one step with everything laid open, and pauses."""
    if (job := live(whose(context, asked))) is not None:
        job.tell("step")


def stop(context: Context, name: str, asked: Asked) -> Screen | None:
    """The run ends; what it has learned is kept."""
    if (job := live(whose(context, asked))) is None:
        return None
    context.visitors.jobs.stop(job)
    return screen(status=watch.status(job))


def steer(job: Job, recipe: Any) -> None:
    """Gives a run the settings of a recipe that it may take while it goes on."""
    with job.lock:
        begun, tunable = job.order["recipe"], dict(job.started.get("live", {}))
        factor = recipe.train.learning_rate / (begun["train"]["learning_rate"] or 1.0)
        if factor != job.steered.get("rate", 1.0):
            job.steered["rate"] = factor
            job.tell("rate", value=factor)
        now = {**tunable, **{k: v for k, v in recipe.model.items() if k in tunable}}
        values = {k: v for k, v in now.items() if v != job.steered.get(k, tunable[k])}
        if values:
            job.steered |= values
            job.tell("tune", values={k: float(v) for k, v in values.items()})


def tick(context: Context, name: str, asked: Asked) -> Screen:
    """What is new of the visitor's run. ``asked.told``: what this page knows already."""
    visitor, told = whose(context, asked), asked.told or {}
    if (job := visitor.job) is None:
        return screen(told={}, timer=gr.Timer(active=False))
    adopted = keep.take_in(context, visitor, job)
    before = context.visitors.jobs.place(job)
    with job.lock:
        now = {
            "job": id(job),
            "version": job.version,
            "state": job.state,
            "step": job.slow["step"] if job.slow else 0,
            "frames": (watch.run_name(job), len(job.frames), job.live),
            "live": job.live,
            "makes": watch.makes(job),
        }

        def news(*keys: str) -> bool:
            return any(told.get(key) != now[key] for key in ("job", *keys))

        changes = screen(status=watch.status(job, before), told=now)
        if news():
            changes["ahead"] = gr.Markdown(visible=False)
        if news("version"):
            changes["curves"] = watch.curves(job)
        if news("frames"):
            changes["map"] = watch.code_map(job)
        if news("step"):
            changes["slow"] = watch.slow_step(job)
        if news("makes"):
            changes |= _stage(job)
        if now["makes"] == "texts":
            if news("frames"):
                changes["texts"] = watch.writings(job)
        else:
            got = held(asked.have, watch.run_name(job))
            if got < len(job.frames) or news("frames"):
                changes["film"] = watch.film(job, got)
        if news("state"):
            changes |= _buttons(job)
        if news("live"):
            changes |= _locked(visitor, asked, job.live)
    if adopted:
        changes |= yours.shown(context, visitor)
    if not now["live"]:
        changes["timer"] = gr.Timer(active=False)
    return changes


def _stage(job: Job) -> dict[str, Any]:
    """What the run makes is on screen: a film of pictures, or texts."""
    texts = watch.makes(job) == "texts"
    return {"pictured": gr.Column(visible=not texts), "written": gr.Column(visible=texts)}


def _buttons(job: Job) -> dict[str, Any]:
    moving = job.state in ("running", "paused")
    return {
        "start": gr.Button(interactive=not job.live),
        "pause": gr.Button("Go on" if job.state == "paused" else "Pause", interactive=moving),
        "step": gr.Button(interactive=moving),
        "end": gr.Button(interactive=job.live and job.state != "stopping"),
        "open": gr.Button(
            watch.USES[watch.makes(job)], visible=not job.live and job.kept is not None
        ),
    }


def _locked(visitor: Visitor, asked: Asked, locked: bool) -> dict[str, Any]:
    """The form with what cannot change during a run locked, or open again."""
    try:
        recipe = setup.recipe_of(visitor, asked.data, asked.family, asked.size)
    except ValueError:  # no pictures are chosen, and so there is no form
        return {}
    return {"form": setup.form(recipe, setup.form_key(asked), locked, asked.given)}


def save_film(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The samples of the run as a film or a strip."""
    job = whose(context, asked).job
    if job is None or (frames := watch.samples(job)) is None:
        raise NotYet("There is no film yet; start a run of pictures.")
    return saves.film_file(kind, f"{job.name}-training", [frames])
