"""Train a model here: choose data, family and size, watch it learn, slow it down, keep it.

``setup``: data, family, size and settings become a recipe, and what it will take; ``brought``,
``pictures`` and ``texts``: a person's own pictures, or text, as a data set; ``running``: a run from
Start to its end, and ``watch``, what is seen of it; ``yours`` and ``keep``: what becomes of a model
afterwards; ``mine``: whose page it is.
"""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr

from explorer import components
from explorer.components import say
from explorer.components.choices.choices import choices
from explorer.components.code_map.code_map import code_map
from explorer.components.curves.curves import curves
from explorer.components.film.film import film, film_have
from explorer.components.settings_form.settings_form import settings_form
from explorer.components.slow_step.slow_step import slow_step
from explorer.components.writings.writings import writings
from explorer.page import saves
from explorer.page.address import one_of
from explorer.page.code import explanation
from explorer.page.context import LATEX, Context
from explorer.page.part import Asked, Part, Screen, screen
from explorer.server.guard import address_of_page
from explorer.server.jobs import JobError
from explorer.server.visitors import Visitor
from explorer.tabs.train import running, setup, watch, yours
from explorer.tabs.train.brought import build_brought
from explorer.tabs.train.mine import live, whose
from explorer.tabs.train.setup import HUB, OFTEN_CHANGED, OWN, OWN_TEXT, SIZES
from explorer.tabs.train.yours import Yours, build_yours

TITLE = "Train"
NEEDS: set[str] = set()

FIRST_DATA, FIRST_SIZE = "digits", "small"
TICK = 0.5  # seconds between two looks at a run

AHEAD = """
Once a run has begun, there will be

* a film: samples of the same noise as they grow sharper, the training pictures nearest to them, and
  pictures that were set aside with what the model makes of them; of a model of text, what it
  writes;
* curves: the loss on pictures trained on and on pictures set aside, the terms it is made of, and
  the length of the gradient;
* a single step laid open, whenever you press *One step*;
* the map of its codes, of a model whose codes are two numbers.
"""

LOOK_FOR = r"""
* **The same noise, growing sharper.** Every frame is drawn from the same random numbers, so what
  changes is what was learned. Scrub back: what comes first, stroke or shape, edge or colour?
* **Learning or memorising?** One curve is of pictures that were trained on, the other of
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


# -- handlers -------------------------------------------------------------------------------------


def open_page(context: Context, name: str, asked: Asked) -> Screen:
    """A page was opened: the visitor's own models, and their run where there is one."""
    session = getattr(asked.request, "session_hash", None)
    visitor = context.visitors.arrive(asked.key, session, address_of_page(asked.request))
    there = visitor.job is not None
    return screen(
        timer=gr.Timer(active=there), ahead=gr.Markdown(visible=not there),
        **yours.shown(context, visitor),
    )  # fmt: skip


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The tab is on screen: what there is to choose, and the settings, as a link may say them.

    Settings that were changed already are not to be lost."""
    context.visitors.jobs.prepare()
    visitor, known = whose(context, asked), setup.families()
    keys = [item["key"] for item in known if not item["off"]]
    lists = screen(datasets=setup.datasets(context, visitor), families=known)
    if asked.given not in ("", "{}"):
        yield lists
        return
    asked = asked.but(family=asked.family if asked.family in keys else keys[0])
    data = setup.for_start(visitor, asked.family, asked.data)
    asked = asked.but(data=data)
    given = setup.from_link({each: getattr(asked, each) for each in OFTEN_CHANGED})
    yield screen(**lists, family=asked.family, data=data, **chosen(context, visitor, asked, given))


def online(context: Context, name: str, asked: Asked) -> Screen | None:
    """The data sets again, once it is known whether the Hub can be reached."""
    if context.ask.cache.get(setup.ONLINE) is not None:
        return None
    setup.look_online(context)
    return screen(datasets=setup.datasets(context, whose(context, asked)))


def choose(context: Context, name: str, asked: Asked) -> Screen:
    """Another size: its settings, as they are at first."""
    return chosen(context, whose(context, asked), asked)


def choose_data(context: Context, name: str, asked: Asked) -> Screen:
    """Another data set; where the family reads nothing of that kind, one that does."""
    family = setup.for_data(asked.data, asked.family)
    changes = chosen(context, whose(context, asked), asked.but(family=family))
    return changes if family == asked.family else screen(family=family, **changes)


def choose_family(context: Context, name: str, asked: Asked) -> Screen:
    """Another family; where it reads nothing of the data's kind, data of its own."""
    visitor = whose(context, asked)
    data = setup.for_start(visitor, asked.family, asked.data)
    changes = chosen(context, visitor, asked.but(data=data))
    return changes if data == asked.data else screen(data=data, **changes)


def chosen(context: Context, visitor: Visitor, asked: Asked, given: str = "{}") -> Screen:
    """What is shown of a choice. given: JSON of settings that are changed already."""
    # What was made of one's own pictures stays in sight when they have been brought.
    own = asked.data == OWN or setup.is_own(asked.data)
    changes = screen(
        given=given, idea=explanation(setup.family_of(asked.family)), own=gr.Column(visible=own),
        text=gr.Column(visible=setup.is_own_text(asked.data)),
        hub=gr.Column(visible=asked.data == HUB),
        absent=gr.Column(visible=setup.is_absent(context, asked.data)), **setup.linked(given),
    )  # fmt: skip
    choice = visitor, asked.data, asked.family, asked.size
    try:
        recipe = setup.recipe_of(*choice)
        locked = live(visitor) is not None
        changes["form"] = setup.form(recipe, setup.form_key(asked), locked, given)
        changes["code"] = setup.command(setup.recipe_of(*choice, given))
    except ValueError:
        pass  # no pictures yet, whose panel says what to do, or settings that the estimate refuses
    return changes


def estimate(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """What the run would take: a line of words, measured by a few steps in the warm process."""
    visitor, jobs = whose(context, asked), context.visitors.jobs
    elsewhere = asked.data in (OWN, HUB, OWN_TEXT) or setup.is_absent(context, asked.data)
    if elsewhere or live(visitor) is not None:
        yield screen(estimated=say(""))
        return
    recipe = setup.recipe_of(visitor, asked.data, asked.family, asked.size, asked.given)
    yield screen(estimated=say("Timing a few steps …", kind="busy"))
    try:
        report = jobs.ask(
            "estimate", visitor.folder, "estimated", recipe=recipe.to_dict(),
            wanted=lambda: live(visitor) is None,
        )  # fmt: skip
    except JobError:
        if live(visitor) is None:
            raise
        yield screen(estimated=say(""))  # a run was begun, for which the estimate was given up
        return
    if not report["timed"]:  # given up before a step was timed, for a run that was begun
        yield screen(estimated=say(""))
        return
    of = setup.kind_of(asked.data)
    words, long = setup.estimate_words(report, jobs.limits.minutes, of)
    yield screen(estimated=say(words, kind="problem" if long else "plain"))


def change(context: Context, name: str, asked: Asked) -> Screen:
    """Settings were changed: the code. During a run those that may be changed reach it."""
    visitor, linked = whose(context, asked), setup.linked(asked.given)
    try:
        recipe = setup.recipe_of(visitor, asked.data, asked.family, asked.size, asked.given)
    except ValueError:
        return screen(**linked)  # the estimate says what is wrong
    if (job := live(visitor)) is None:
        return screen(code=setup.command(recipe), **linked)
    running.steer(job, recipe)
    return screen(**linked)


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The tab."""
    part = Part(context, of_model=False)
    timer, told = gr.Timer(TICK, active=False), gr.State({})
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            data = choices("train-data", label="Data", chosen=FIRST_DATA, columns=2)
            panels = build_brought(context, data)
            family = choices("train-family", label="Model", chosen=_families()[0])
            size = gr.Radio(list(SIZES), value=FIRST_SIZE, label="Size", elem_id="train-size")
            form = settings_form("train-settings")
            linked = {name: _hidden("linked_setting") for name in OFTEN_CHANGED}
            estimated = components.status()
            own = build_yours(context)
            idea, code = _notes()
        with gr.Column(elem_classes="ge-stage"):
            with gr.Row(elem_classes="ge-run"):
                go = gr.Button("Start", variant="primary", elem_id="train-start")
                halt = gr.Button("Pause", interactive=False, elem_id="train-pause")
                step = gr.Button("One step", interactive=False, elem_id="train-step")
                end = gr.Button("Stop", interactive=False, elem_id="train-stop")
                use = gr.Button("Sample from it", visible=False, elem_id="train-open")
            status = components.status("Choose data and a model, then start.")
            ahead = gr.Markdown(AHEAD, elem_id="train-ahead")
            with gr.Column() as pictured:
                player = film(watch.FILM, label="What the model draws", expected=3, below=24,
                              autoplay=False)  # fmt: skip
            with gr.Column(visible=False) as written:
                texts = writings(label="What the model writes")
            have = film_have(watch.FILM)
            slow = slow_step()
            with gr.Row(elem_classes="ge-learning"):
                lines = curves(tall=150, wide=200)
                dots = code_map()
            films = saves.save_buttons()

    part.controls(
        data=data.choice, family=family.choice, size=size, given=form.given, have=have, told=told,
        **linked,
    )  # fmt: skip
    part.outputs(
        datasets=data.view, data=data.choice, families=family.view, family=family.choice,
        form=form.view, given=form.given, idea=idea, code=code, own=panels.own, text=panels.text,
        hub=panels.hub, absent=panels.absent, pictured=pictured, written=written, texts=texts,
        estimated=estimated, status=status, ahead=ahead, film=player, curves=lines, map=dots,
        slow=slow, start=go, pause=halt, step=step, end=end, open=use, told=told,
        offers=own.offers, kept=own.chosen, timer=timer, **linked,
    )  # fmt: skip

    def timed(event: object) -> None:
        part.on(event.then, estimate, run="estimate", rest=0.4, status="estimated")

    shown = part.arrives(arrive)
    timed(shown)
    part.on(shown.then, online, run="online", quick=False)
    timed(part.on(data.choice.pick, choose_data))
    timed(part.on(family.choice.pick, choose_family))
    timed(part.on(size.input, choose))
    for event in panels.events:
        timed(part.on(event.then, choose_data))
    part.on(form.given.changed, change)
    part.on(form.given.changed, estimate, run="estimate", rest=0.4, status="estimated")

    part.on(go.click, running.start, main=True)
    part.on(halt.click, running.pause)
    part.on(step.click, running.one_step)
    part.on(end.click, running.stop)
    part.on(timer.tick, running.tick, trigger_mode="once")
    part.saves(films, running.save_film)
    use.click(None, own.chosen, None, js="name => GE.use(name, 'sample')",
              api_visibility="private")  # fmt: skip
    _welcome(context, own, timer, ahead)

    context.remember("train.data", data.choice, parse=one_of(_built_in()))
    context.remember("train.family", family.choice, parse=one_of(_families()))
    context.remember("train.size", size, parse=one_of([value for _, value in SIZES]))
    for name, component in linked.items():
        context.remember(f"train.{name}", component, parse=setup.a_number)


def _welcome(context: Context, own: Yours, timer: gr.Timer, ahead: gr.Markdown) -> None:
    """Who comes is known by a key that their browser keeps; who goes is missed."""
    part = Part(context, of_model=False, block="visitor")
    part.controls(key=_hidden("visitor_key"))
    part.outputs(offers=own.offers, kept=own.chosen, timer=timer, ahead=ahead)
    part.on(context.page.load, open_page, js="name => [name, GE.visitor()]")

    def closed(request: gr.Request) -> None:
        context.visitors.leave(request.session_hash)

    context.page.unload(closed)


def _hidden(name: str) -> gr.HTML:
    """A component that carries a text and shows nothing."""
    return components.component(name, "", html="", script="", elem_classes=["ge-hidden"])


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

    return list(dict.fromkeys([*FAMILIES, *setup.further()]))
