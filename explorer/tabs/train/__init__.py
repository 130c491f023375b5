"""Train a model here: choose data, family and size, watch it learn, slow it down, keep it.

``setup``: data, family, size and settings become a recipe, and what it will take; ``pictures``: a
person's own pictures as a data set; ``watch``: a run as curves and films; ``keep``: what becomes of
a model afterwards, and ``yours``, its controls; ``mine``: handlers that are told whose page it is.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr

from explorer import components
from explorer.components import say
from explorer.components.choices.choices import choices
from explorer.components.code_map.code_map import code_map
from explorer.components.curves.curves import curves
from explorer.components.film.film import film, film_have, held
from explorer.components.image_grid.image_grid import image_grid
from explorer.components.settings_form.settings_form import settings_form
from explorer.components.slow_step.slow_step import slow_step
from explorer.page import saves
from explorer.page.address import one_of
from explorer.page.code import explanation
from explorer.page.context import LATEX, Context
from explorer.page.runs import LIVE
from explorer.pictures import images
from explorer.server.jobs import Job, JobError
from explorer.server.visitors import Visitor
from explorer.tabs.train import keep, pictures, setup, watch
from explorer.tabs.train.mine import mine, mine_newest
from explorer.tabs.train.setup import HUB, OWN, SIZES
from explorer.tabs.train.yours import build_yours, kept

log = logging.getLogger(__name__)

TITLE = "Train"
NEEDS: set[str] = set()

FIRST_DATA, FIRST_SIZE = "digits", "small"
TICK = 0.5  # seconds between two looks at a run
HUB_BYTES = 1_000_000_000  # of a data set that is fetched for a visitor

LOOK_FOR = r"""
* **The same noise, growing sharper.** Every frame is drawn from the same random numbers, so what
  changes is what was learned. Scrub back: what comes first, stroke or shape, edge or colour?
* **Learned, or learned by heart?** One curve is of pictures that were trained on, the other of
  pictures that were set aside, with the same chances. While both fall, the model learns what holds
  for all; where the gap opens, it learns its own pictures. Provoke it: the large size, `digits`,
  many steps.
* **Nearest training pictures.** A sample that equals its neighbour was remembered, not invented.
* **The gradient's norm** is large where the loss is steep. Turn the learning rate up tenfold during
  the run: at some height the loss jumps instead of falling.
* **One step at a time.** Pause, and take a single step: these pictures gave this loss, this
  gradient, and changed each part of the model by that little.
* **Where codes lie**, for codes of two numbers: classes drift apart although nobody told the model
  that there are any.
"""


def offered(context: Context) -> bool:
    """Whether there is such a tab on this server."""
    return context.visitors is not None and context.visitors.jobs.limits.jobs > 0


# -- choosing -------------------------------------------------------------------------------------


def arrive(context: Context, key: Any, session: str | None) -> tuple[Any, ...]:
    """A page has opened: (own models, timer, choice of own models)."""
    visitor = context.visitors.arrive(key, session)
    return (
        keep.offers(context, visitor),
        gr.Timer(active=visitor.job is not None),
        kept(context, visitor),
    )


def enter(
    context: Context, visitor: Visitor, data: str, family: str, size: str, given: str = "{}"
) -> tuple[Any, ...]:
    """The tab is on screen: (data sets, families, family, then what ``choose`` gives).

    given: settings that were changed already, and are not to be lost.
    """
    context.visitors.jobs.prepare()
    known = setup.families()
    keys = [item["key"] for item in known]
    family = family if family in keys else keys[0]
    if given not in ("", "{}"):
        return setup.datasets(context, visitor), known, *[gr.skip()] * 7
    return setup.datasets(context, visitor), known, family, *choose(
        context, visitor, data, family, size
    )  # fmt: skip


def online(context: Context, visitor: Visitor) -> Any:
    """The data sets again, once it is known whether the Hub can be reached."""
    if context.recent.get(setup.ONLINE) is not None:
        return gr.skip()
    setup.look_online(context)
    return setup.datasets(context, visitor)


def choose(context: Context, visitor: Visitor, data: str, family: str, size: str) -> tuple:
    """Another data set, family or size: (form, changes, idea, code, own pictures' panel, Hub's)."""
    # What was made of one's own pictures stays in sight when they have been brought.
    own = data == OWN or setup.is_own(data)
    panels = gr.Column(visible=own), gr.Column(visible=data == HUB)
    try:
        recipe = setup.recipe_of(visitor, data, family, size)
    except ValueError:
        return gr.skip(), "{}", explanation(family), gr.skip(), *panels
    form = setup.form(recipe, f"{data}/{family}/{size}", _live(visitor) is not None)
    return form, "{}", explanation(family), setup.command(recipe), *panels


def estimate(
    context: Context, visitor: Visitor, data: str, family: str, size: str, given: str
) -> Iterator[Any]:
    """What the run would take: a line of words, measured by a few steps in the warm process."""
    if data in (OWN, HUB) or _live(visitor) is not None:
        yield say("")
        return
    jobs = context.visitors.jobs
    try:
        recipe = setup.recipe_of(visitor, data, family, size, given)
        yield say("Timing a few steps …", kind="busy")
        report = jobs.ask(
            "estimate", visitor.folder, "estimated", recipe=recipe.to_dict(),
            wanted=lambda: _live(visitor) is None,
        )  # fmt: skip
    except ValueError as error:
        begun = _live(visitor) is not None  # for which the estimate was given up
        yield say("" if begun else str(error), kind="plain" if begun else "problem")
        return
    words, long = setup.estimate_words(report, jobs.limits.minutes)
    yield say(words, kind="problem" if long else "plain")


def change(
    context: Context, visitor: Visitor, data: str, family: str, size: str, given: str
) -> Any:
    """Settings were changed: the code. During a run those that may be changed reach it."""
    try:
        recipe = setup.recipe_of(visitor, data, family, size, given)
    except ValueError:
        return gr.skip()  # the estimate says what is wrong
    job = _live(visitor)
    if job is None:
        return setup.command(recipe)
    steer(job, recipe)
    return gr.skip()


def steer(job: Job, recipe: Any) -> None:
    """Gives a run the settings of a recipe that it may take while it goes on."""
    with job.lock:
        begun, live = job.order["recipe"], dict(job.started.get("live", {}))
        factor = recipe.train.learning_rate / (begun["train"]["learning_rate"] or 1.0)
        if factor != job.steered.get("rate", 1.0):
            job.steered["rate"] = factor
            job.tell("rate", value=factor)
        now = {**live, **{k: v for k, v in recipe.model.items() if k in live}}
        values = {k: v for k, v in now.items() if v != job.steered.get(k, live[k])}
        if values:
            job.steered |= values
            job.tell("tune", values={k: float(v) for k, v in values.items()})


def bring_pictures(
    context: Context, visitor: Visitor, files: Any, side: Any, colour: str, data: str = ""
) -> tuple[Any, ...]:
    """(data sets, data set, preview, words) of pictures that a person brought.

    data: the set chosen so far; where it is of the same pictures, made otherwise, it gives way.
    """
    paths = [str(getattr(file, "name", file)) for file in files or []]
    if not paths:
        return gr.skip(), gr.skip(), None, say("")
    try:
        side = int(side)
        brought = pictures.bring(paths, side, colour == "grey", visitor.folder)
    except ValueError as error:
        return gr.skip(), gr.skip(), None, say(str(error), kind="problem")
    if setup.is_own(data):
        visitor.data.pop(data, None)
    visitor.data[brought.described.name] = brought.described
    return (
        setup.datasets(context, visitor), brought.described.name,
        images.sprite(brought.preview), say(brought.words),
    )  # fmt: skip


def bring_hub(context: Context, visitor: Visitor, repo: str) -> tuple[Any, Any, Any]:
    """(data sets, data set, words) of a data set on the Hub."""
    repo = (repo or "").strip()
    try:
        if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*(:[\w.-]+)?", repo):
            raise JobError("Name a data set on the Hub as owner/name, or owner/name:configuration.")
        _small_enough(repo.partition(":")[0])
        found = context.visitors.jobs.ask(
            "describe", visitor.folder, "loaded", 300, apart=True, data=repo
        )
    except ValueError as error:
        return gr.skip(), gr.skip(), say(str(error), kind="problem")
    shape = tuple(found["image"])
    visitor.data[repo] = setup.Described(repo, shape, tuple(found["classes"]), found["n"])
    words = " ".join([f"{found['n']:,} pictures are here.", *found.get("notes", ())])
    return setup.datasets(context, visitor), repo, say(words)


def _small_enough(repo: str) -> None:
    """Raises JobError where a data set is larger than this server fetches for a visitor."""
    from huggingface_hub import HfApi

    try:
        info = HfApi(token=False).dataset_info(repo, files_metadata=True, timeout=10)
    except Exception as error:  # no network, no such data set, or not for everybody
        log.info("Asking the Hub about a data set failed: %s", error)
        raise JobError(f"The Hub cannot be reached, or has no public data set '{repo}'.") from None
    size = sum(file.size or 0 for file in info.siblings or [])
    if size > HUB_BYTES:
        raise JobError(
            f"'{repo}' has {size / 1e9:.1f} GB; data sets up to {HUB_BYTES / 1e9:.0f} GB are "
            "fetched here."
        )


# -- running --------------------------------------------------------------------------------------


def start(
    context: Context, visitor: Visitor, data: str, family: str, size: str, given: str
) -> tuple[Any, Any]:
    """(status, timer): a run of what the controls say begins, now or when its turn comes."""
    try:
        recipe = setup.recipe_of(visitor, data, family, size, given)
        job = context.visitors.begin(visitor, recipe.name, recipe.to_dict())
    except ValueError as error:
        # A run that was begun in another of their pages is shown in this one from here on.
        timer = gr.skip() if _live(visitor) is None else gr.Timer(active=True)
        return say(str(error), kind="problem"), timer
    return watch.status(job, context.visitors.jobs.place(job)), gr.Timer(active=True)


def pause(context: Context, visitor: Visitor) -> None:
    """Pauses the run, or goes on with it."""
    if (job := _live(visitor)) is not None:
        job.tell("go" if job.state == "paused" else "pause")


def one_step(context: Context, visitor: Visitor) -> None:
    """Takes one step with everything laid open, and pauses."""
    if (job := _live(visitor)) is not None:
        job.tell("step")


def stop(context: Context, visitor: Visitor) -> Any:
    """(status): the run ends; what it has learned is kept."""
    if (job := _live(visitor)) is None:
        return gr.skip()
    context.visitors.jobs.stop(job)
    return watch.status(job)


def tick(
    context: Context, visitor: Visitor, have: str, told: dict, data: str, family: str, size: str
) -> tuple[Any, ...]:
    """What is new of the visitor's run, for the outputs of ``SHOWN``, in that order; the last are
    told (what this page knows), own models, the choice of them, and the timer."""
    job = visitor.job
    nothing = [gr.skip()] * len(SHOWN)
    if job is None:
        return *nothing, {}, gr.skip(), gr.skip(), gr.Timer(active=False)
    adopted = keep.take_in(context, visitor, job)
    before = context.visitors.jobs.place(job)
    with job.lock:
        now = {
            "job": id(job),
            "version": job.version,
            "state": job.state,
            "step": job.slow["step"] if job.slow else 0,
            "frames": (watch.run_name(job), len(job.frames), job.live),
        }

        def news(*keys: str) -> bool:
            return any(told.get(key) != now[key] for key in ("job", *keys))

        live = job.live
        shown = {
            "status": watch.status(job, before),
            "film": gr.skip(),
            "curves": watch.curves(job) if news("version") else gr.skip(),
            "map": watch.code_map(job) if news("frames") else gr.skip(),
            "slow": watch.slow_step(job) if news("step") else gr.skip(),
        }
        got = held(have, watch.run_name(job))
        if got < len(job.frames) or news("frames"):
            shown["film"] = watch.film(job, got)
        buttons = _buttons(job) if news("state") else [gr.skip()] * len(BUTTONS)
        form = gr.skip()
        if told.get("job") != now["job"] or told.get("live") is not live:
            form = _locked(visitor, data, family, size, live)
        now["live"] = live
    return (
        *shown.values(), *buttons, form, now,
        keep.offers(context, visitor) if adopted else gr.skip(),
        kept(context, visitor) if adopted else gr.skip(),
        gr.skip() if live else gr.Timer(active=False),
    )  # fmt: skip


BUTTONS = ("start", "pause", "step", "stop", "open")
SHOWN = ("status", "film", "curves", "map", "slow", *BUTTONS, "form")


def _buttons(job: Job) -> list[Any]:
    moving = job.state in ("running", "paused")
    return [
        gr.Button(interactive=not job.live),
        gr.Button("Go on" if job.state == "paused" else "Pause", interactive=moving),
        gr.Button(interactive=moving),
        gr.Button(interactive=job.live and job.state != "stopping"),
        gr.Button(visible=not job.live and job.kept is not None),
    ]


def _locked(visitor: Visitor, data: str, family: str, size: str, locked: bool) -> Any:
    try:
        recipe = setup.recipe_of(visitor, data, family, size)
    except ValueError:
        return gr.skip()
    return setup.form(recipe, f"{data}/{family}/{size}", locked)


def _live(visitor: Visitor) -> Job | None:
    return visitor.job if visitor.job is not None and visitor.job.live else None


def save_film(context: Context, visitor: Visitor, kind: str) -> tuple[Any, Any]:
    """(file, status): the samples of the run as a film or a strip."""
    frames = watch.samples(visitor.job) if visitor.job is not None else None
    if frames is None:
        return gr.skip(), say("There is no film yet; start a run.", kind="problem")
    return saves.film_file(kind, f"{visitor.job.name}-training", [frames]), gr.skip()


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    key = components.component("visitor_key", "", html="", script="", elem_classes=["ge-hidden"])
    timer, told = gr.Timer(TICK, active=False), gr.State({})
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            data = choices("train-data", label="Pictures", chosen=FIRST_DATA, columns=2)
            with gr.Column(visible=False, elem_id="train-own") as own:
                with gr.Row(elem_classes="ge-pair"):
                    side = gr.Dropdown([(f"{s} pixels", s) for s in pictures.SIDES], value=28,
                                       label="Side", filterable=False)  # fmt: skip
                    colour = gr.Dropdown([("Colour", "colour"), ("Grey", "grey")], value="grey",
                                         label="Colour", filterable=False)  # fmt: skip
                files = gr.File(file_count="multiple", label="A zip, or many pictures",
                                elem_id="train-files", height=110)  # fmt: skip
                brought = components.status()
                preview = image_grid("train-own", label="Your pictures, as the model sees them")
            with gr.Column(visible=False, elem_id="train-hub") as hub:
                repo = gr.Textbox(
                    label="Data set on the Hub", placeholder="owner/name", max_lines=1
                )
                look_up = gr.Button("Fetch it", size="sm")
                fetched = components.status()
            family = choices("train-family", label="Model", chosen=_families()[0])
            size = gr.Radio(list(SIZES), value=FIRST_SIZE, label="Size", elem_id="train-size")
            form = settings_form("train-settings")
            estimated = components.status()
            yours = build_yours(context)
            idea, code = _notes()
        with gr.Column(elem_classes="ge-stage"):
            with gr.Row(elem_classes="ge-run"):
                go = gr.Button("Start", variant="primary", elem_id="train-start")
                halt = gr.Button("Pause", interactive=False, elem_id="train-pause")
                step = gr.Button("One step", interactive=False, elem_id="train-step")
                end = gr.Button("Stop", interactive=False, elem_id="train-stop")
                use = gr.Button("Sample from it", visible=False, elem_id="train-open")
            status = components.status("Choose pictures and a model, then start.")
            player = film(watch.FILM, label="What the model draws", expected=3, below=24,
                          autoplay=False)  # fmt: skip
            have = film_have(watch.FILM)
            slow = slow_step()
            with gr.Row(elem_classes="ge-learning"):
                lines = curves(tall=150, wide=200)
                dots = code_map()
            films = saves.save_buttons()

    own_handler = partial(mine, context)
    setting = [data.choice, family.choice, size]
    made = [form.view, form.given, idea, code, own, hub]
    timing = mine_newest(context, "train-estimate", estimate)
    timed = {"fn": timing, "inputs": [*setting, form.given],
             "outputs": estimated, **LIVE}  # fmt: skip

    def entered(request: gr.Request, name: str, *values: Any) -> tuple[Any, ...]:
        return own_handler(enter)(request, *values)

    shown = context.on_show(
        entered, [*setting, form.given], [data.view, family.view, family.choice, *made]
    )
    shown.then(**timed)
    shown.then(own_handler(online), None, data.view, **context.heavy)
    for event in (data.choice.pick, family.choice.pick, size.input):
        event(own_handler(choose), setting, made, **context.light).then(**timed)
    form.given.changed(own_handler(change), [*setting, form.given], code, **context.light)
    form.given.changed(**timed)
    context.keep_until_gone(files)
    shown_sets = [data.view, data.choice, preview.view, brought]
    for event, inputs in ((files.upload, [files, side, colour]),
                          (side.input, [files, side, colour, data.choice]),
                          (colour.input, [files, side, colour, data.choice])):  # fmt: skip
        event(own_handler(bring_pictures), inputs, shown_sets, **context.heavy).then(
            own_handler(choose), setting, made, **context.light).then(**timed)  # fmt: skip
    look_up.click(own_handler(bring_hub), repo, [data.view, data.choice, fetched],
                  **context.heavy).then(
        own_handler(choose), setting, made, **context.light).then(**timed)  # fmt: skip

    go.click(own_handler(start), [*setting, form.given], [status, timer], **context.light)
    halt.click(own_handler(pause), None, None, **context.light)
    step.click(own_handler(one_step), None, None, **context.light)
    end.click(own_handler(stop), None, status, **context.light)
    timer.tick(
        own_handler(tick), [have, told, *setting],
        [status, player, lines, dots, slow, go, halt, step, end, use, form.view, told, yours.offers,
         yours.chosen, timer],
        queue=False, show_progress="hidden", api_visibility="private",
    )  # fmt: skip
    use.click(None, yours.chosen, None, js="name => { GE.choose(name); GE.go('sample'); }",
              api_visibility="private")  # fmt: skip
    for kind, button in films.buttons.items():
        handler = own_handler(lambda context, visitor, kind=kind: save_film(context, visitor, kind))
        button.click(handler, None, [films.saver, status], **context.heavy)

    def opened(request: gr.Request, key: Any) -> tuple[Any, ...]:
        return arrive(context, key, request.session_hash)

    def closed(request: gr.Request) -> None:
        context.visitors.leave(request.session_hash)

    context.page.load(opened, key, [yours.offers, timer, yours.chosen],
                      js="() => [GE.visitor()]", queue=False, show_progress="hidden",
                      api_visibility="private")  # fmt: skip
    context.page.unload(closed)
    context.remember("train.data", data.choice, parse=one_of(_built_in()))
    context.remember("train.family", family.choice, parse=one_of(_families()))
    context.remember("train.size", size, parse=one_of([value for _, value in SIZES]))


def _notes() -> tuple[gr.Markdown, gr.HTML]:
    """The idea of the family that is to be trained, what to look for, and the command line."""
    with gr.Accordion("The idea", open=False, elem_classes="ge-note"):
        components.component("reader")
        idea = gr.Markdown(latex_delimiters=LATEX, elem_classes="ge-idea")
    with gr.Accordion("What to look for", open=False, elem_classes="ge-note"):
        gr.Markdown(LOOK_FOR, latex_delimiters=LATEX)
    with gr.Accordion("The recipe, and the command", open=False, elem_classes="ge-note"):
        code = components.component("code", "")
    return idea, code


def _built_in() -> list[str]:
    from models.data.datasets import DATASETS

    return list(DATASETS)


def _families() -> list[str]:
    from models import FAMILIES

    return list(FAMILIES)
