"""Translate: pictures of one kind made into pictures of another, and what comes back of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.picture_rows.picture_rows import picture_rows
from explorer.components.readings.readings import readings
from explorer.page.address import number, one_of, whole
from explorer.page.choice import OWN, OwnPicture, read
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.judge import judge_of, read_by
from explorer.page.part import Asked, Part, Screen, screen
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.pictures.bytes import as_bytes
from explorer.server.previews import real
from explorer.server.reading import is_number, is_whole, next_seed
from models.contract.knobs import MOST_SEED, checked_seed
from models.data.known import DATASETS

TITLE = "Translate"
NEEDS = {"Translates", "HasDomains"}

COUNT = 8  # pictures in a row
MOST_TESTED = 512  # test pictures of data that every machine has
MOST_NOISE = 30  # per cent: its standard deviation, black to white being 100
THERE, BACK = "there", "back"
NONE = "none"
# What may be done to a translation and be undone before the way back: each undoes itself.
TWISTS = {
    NONE: "Nothing",
    "mirror": "Mirrored",
    "turned": "Upside down",
    "negative": "Negative",
}
IN_CODE = {"mirror": "{}.flip(3)", "turned": "{}.flip(2)", "negative": "1 - {}"}

LOOK_FOR = r"""
* **No pairs.** Each training picture served one of the two kinds, and none was ever shown beside
  its counterpart. Two losses do it: the result has to pass for one of its kind, and it has to lead
  back.
* **The cycle holds, and the meaning is gone.** Choose *Mirrored*: every translation is mirrored,
  and mirrored again before the way back, $G' = T \circ G$ and $F' = F \circ T^{-1}$. What comes
  back, and so the cycle error, is exactly the same, whatever $T$ is. But a mirrored 2 is no 2. So
  the cycle loss alone says nothing about what a translation means.
* **Who can object?** Only the discriminator. It judges small squares, and to it a mirrored stroke
  is a stroke: its verdict hardly moves, while the judge, a classifier, reads other digits. In the
  negative, squares look wrong, and the verdict falls. That translations come out unmirrored at all
  is a habit of convolutions, and no doing of the losses.
* **Smuggled.** An outline does not tell how grey a shirt is, and the cycle loss asks for that grey.
  Go from picture to outline and compare two rows: the model's outlines have dots and gaps where the
  true ones have none, and what comes back is nearer than what is made of true outlines the other
  way. They carry the grey. Chu et al. (2017) found it too faint to be seen. Does it survive noise?
* **Many answers, one given.** For one outline there are many garments. The model gives one, always
  the same; nothing here is drawn at random. Compare with the row of what belonged there.
* **Draw your own.** Take a thin pen and the way from outline to picture: a T-shirt, a boot, a bag.
"""


def candidates(context: Context, names: list[str]) -> list[str]:
    """All of them, the largest first: what it translates is the most to look at."""
    return sorted(names, key=lambda name: -context.store.header(name).parameters)


class Wish(NamedTuple):
    """back: whether from the second domain to the first. noise: from 0 to 0.3."""

    back: bool
    twist: str
    noise: float
    seed: int
    first: int


class Source(NamedTuple):
    """x: (N, C, H, W) float32 in [0, 1] of the domain to begin with. counterpart: as x, what they
    are in the other domain, where that is known. shown: where those begin that are shown. words:
    where they are from. code: lines that make ``x``."""

    x: np.ndarray
    counterpart: np.ndarray | None
    readable: bool
    shown: int
    words: str
    code: str


class Way(NamedTuple):
    """directions: there and back. domains: where it begins, and where it leads."""

    directions: tuple[str, str]
    domains: tuple[str, str]


class Cycle(NamedTuple):
    """made, again: (N, C, H, W), what was made of pictures, and what came back. error: (N,) mean
    difference of a pixel. verdict: (N,) of the discriminator on what was made."""

    made: np.ndarray
    again: np.ndarray
    error: np.ndarray
    verdict: np.ndarray


# -- what is computed -----------------------------------------------------------------------------


def read_wish(asked: Asked) -> Wish:
    """Checked values of the controls. Raises ValueError with one sentence."""
    if asked.way not in (THERE, BACK):
        raise ValueError("A model translates there or back.")
    if asked.twist not in TWISTS:
        raise ValueError(f"There is no way of changing a translation called '{asked.twist}'.")
    if not is_number(asked.noise) or not 0 <= asked.noise <= MOST_NOISE:
        raise ValueError(f"The noise goes from 0 to {MOST_NOISE} %.")
    if not is_whole(asked.first) or asked.first < 1:
        raise ValueError("The first picture is a whole number from 1 up.")
    seed = checked_seed(asked.seed)
    return Wish(asked.way == BACK, asked.twist, asked.noise / 100, seed, int(asked.first))


def _names(model: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(model.directions), tuple(model.domains)


def way_of(context: Context, name: str, back: bool) -> Way:
    """The names of the way, by the model."""
    directions, domains = context.ask.kept(
        ("directions", name), lambda: _names(context.store.get(name))
    )
    turn = slice(None, None, -1 if back else 1)
    return Way(tuple(directions[turn]), tuple(domains[turn]))


def _of_domains(model: Any, x: Any) -> tuple[Any, ...]:
    """Of each domain: its pictures, as they are there and in the other domain, and whether that is
    as the data set has them."""
    parts = []
    for places, here, there in zip(
        model.belonging(x), model.domains, model.domains[::-1], strict=True
    ):
        other = model.in_domain(x[places], there)
        readable = bool((other == x[places]).all())
        parts.append((model.in_domain(x[places], here), other, readable))
    return tuple(parts)


def test_pictures(context: Context, name: str) -> tuple[np.ndarray, str, str]:
    """(N, C, H, W) uint8 test pictures of a model's data, where they are, and the code that reads
    them: those that a model here brings, or of data that every machine has.

    Raises ValueError, one sentence, where there are none.
    """
    if (kept := real(context.store, name)) is not None:
        file = call("load_file", in_code(kept.path))
        return kept.pictures, str(kept.path), f'torch.from_numpy({file}["pictures"])'
    header = context.store.header(name)
    data = header.data.get("name", "")
    info = DATASETS.get(data)
    built_in = info is not None and info.origin == "built in"
    if not built_in or list(info.shape) != list(header.config["image"]):
        raise ValueError("No test pictures of this data are here. Draw one, or bring your own.")

    def load() -> np.ndarray:
        from models.data import datasets

        return datasets.load(data, "test").images[:MOST_TESTED].numpy()

    found = context.ask.kept(("test pictures", data), load)
    return found, data, call("load_data", data, "test") + ".images"


def source_of(context: Context, name: str, asked: Asked, wish: Wish) -> Source:
    """The pictures to translate: the person's own, or all test pictures of the domain that are
    here. Raises ValueError, one sentence, where there are none."""
    if asked.source == OWN:
        picture = read(context, name, OWN, None, asked.pad)
        x = picture.pixels[None].astype(np.float32) / 255
        return Source(x, None, False, 0, picture.words, picture.code.rstrip("\n"))
    pictures, place, read_them = test_pictures(context, name)
    x = pictures.astype(np.float32) / 255
    parts = context.ask.kept(("of domains", name, place), lambda: context.ask(name, _of_domains, x))
    x, counterpart, readable = parts[wish.back]
    if not len(x):
        raise ValueError("None of the test pictures here is of this kind. Draw one.")
    domain = way_of(context, name, wish.back).domains[0]
    code = "\n".join([
        f"pictures = {read_them}[:{len(pictures)}] / 255",
        f"places = model.belonging(pictures)[{int(wish.back)}]",
        f"x = model.in_domain(pictures[places], {domain!r})",
    ])  # fmt: skip
    known = None if np.array_equal(x, counterpart) else counterpart
    return Source(x, known, readable, (wish.first - 1) % len(x), f"{len(x)} test pictures", code)


def twisted(x: np.ndarray, twist: str) -> np.ndarray:
    """Pictures (N, C, H, W) mirrored, turned or negated; twice is not at all."""
    if twist == "negative":
        return 1 - x
    axis = {"mirror": 3, "turned": 2}.get(twist)
    return x if axis is None else np.flip(x, axis).copy()


def distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(N,): the mean difference of a pixel."""
    return np.abs(x - y).reshape(len(x), -1).mean(1)


def cycle(context: Context, name: str, source: Source, way: Way, wish: Wish) -> Cycle:
    """There, twisted and noisy as is wished, and back."""
    key = "" if source.words == "your picture" else source.words

    def compute() -> Cycle:
        made = twisted(context.ask(name, "translate", source.x, way.directions[0]), wish.twist)
        if wish.noise:
            made = np.clip(made + wish.noise * _normal(made.shape, wish.seed), 0, 1)
        back = twisted(made, wish.twist).astype(np.float32)
        again = context.ask(name, "translate", back, way.directions[1])
        verdict = context.ask(name, "domain_verdict", made.astype(np.float32), way.domains[1])
        return Cycle(made, again, distance(again, source.x), verdict)

    if not key:
        return compute()
    chance = wish.seed if wish.noise else None
    key = ("cycle", name, key, wish.back, wish.twist, wish.noise, chance)
    return context.ask.kept(key, compute)


def _normal(shape: tuple[int, ...], seed: int) -> np.ndarray:
    from models.contract.random import generator, normal

    return normal(shape, generator(seed), "cpu").numpy()


class Read(NamedTuple):
    """labels: (N,) what a judge reads in translations; same: (N,) whether it reads that in the
    originals as well."""

    labels: np.ndarray
    same: np.ndarray


def read_both(context: Context, name: str, source: Source, made: np.ndarray) -> Read | None:
    """What a judge of the data reads; None where there is none, or where it has never seen such
    pictures."""
    judge = judge_of(context, context.store.header(name)) if source.readable else None
    if judge is None:
        return None
    original = source.x if source.counterpart is None else source.counterpart
    before = read_by(context, judge, original).labels
    labels = read_by(context, judge, made.astype(np.float32)).labels
    return Read(labels, labels == before)


# -- handlers -------------------------------------------------------------------------------------


def rows_of(context: Context, name: str, source: Source, way: Way, wish: Wish,
            found: Cycle, judged: Read | None) -> dict[str, Any]:  # fmt: skip
    """The value of the rows."""
    shown = (np.arange(min(COUNT, len(source.x))) + source.shown) % len(source.x)
    note = ", ".join([f"as {way.domains[1]}", *changes_in(wish)])

    def row(title: str, note: str, x: np.ndarray, captions: list[str] | None) -> dict[str, Any]:
        row = {"name": title, "note": note, "sprite": images.sprite(as_bytes(x[shown]))}
        return row if captions is None else {**row, "captions": captions}

    classes = context.store.header(name).data.get("classes") or []
    said = None
    if judged is not None and classes:
        said = [str(classes[k]) for k in judged.labels[shown]]
    off = [f"{each:.3f}" for each in found.error[shown]]
    rows = [
        row(way.domains[0].capitalize(), source.words, source.x, None),
        row("Translated", note, found.made, said),
        row("And back", "off by", found.again, off),
    ]
    if source.counterpart is not None:
        words = "the pair was never shown"
        rows.insert(2, row("What belongs there", words, source.counterpart, None))
    return {"rows": rows, "columns": None, "chosen": None}


def _mean(values: np.ndarray, form: str = "{:.3f}") -> str:
    """The mean with its standard error, where there are several."""
    said = form.format(values.mean())
    if len(values) < 2:
        return said
    return f"{said} ± {form.format(values.std(ddof=1) / np.sqrt(len(values)))}"


def numbers_of(
    on_the_way: str, source: Source, found: Cycle, judged: Read | None
) -> dict[str, Any]:
    """The value of the readings. on_the_way: what was done to the translations."""
    items = [
        ("On the way", on_the_way),
        ("Cycle error", _mean(found.error)),
        ("Verdict of the discriminator", _mean(found.verdict)),
    ]
    if source.counterpart is not None:
        items.append(("Off what belongs there", _mean(distance(found.made, source.counterpart))))
    if judged is not None:
        items.append(("Judge reads the same", f"{judged.same.mean():.0%}"))
    return {"items": [{"name": name, "values": [value]} for name, value in items]}


def changes_in(wish: Wish) -> list[str]:
    """What is done to translations, in words."""
    changes = [TWISTS[wish.twist].lower()] if wish.twist != NONE else []
    return changes + ([f"noise, {wish.noise:.0%}"] if wish.noise else [])


def words_of(source: Source, wish: Wish, plain: Cycle, found: Cycle) -> str:
    """The status."""
    several = len(source.x) > 1
    of = f"Means of {source.words}" if several else "Of your picture"
    first = f"{of}; a pixel goes from 0 to 1, a verdict from 0 (made) to 1 (real)."
    gap = abs(found.error.mean() - plain.error.mean())
    if wish.twist != NONE and not wish.noise:
        same = "exactly the same" if gap == 0 else f"the same but for {gap:.0e}, by rounding"
        return f"The cycle error is {same}, and so is what comes back. {first}"
    if wish.noise and gap > 0:
        return f"The noise on the way moves the cycle error by {gap:.3f}. {first}"
    return first


def show(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The pictures, their translations, and what comes back."""
    wish = read_wish(asked)
    source = source_of(context, name, asked, wish)
    way = way_of(context, name, wish.back)
    yield screen(status=say("Translating …", kind="busy"))
    plain = cycle(context, name, source, way, wish._replace(twist=NONE, noise=0.0))
    found = cycle(context, name, source, way, wish)
    before = read_both(context, name, source, plain.made)
    after = read_both(context, name, source, found.made)
    changed = ", ".join(changes_in(wish))
    yield screen(
        rows=rows_of(context, name, source, way, wish, found, after),
        numbers=numbers_of("nothing", source, plain, before),
        changed=numbers_of(changed, source, found, after) if changed else {"items": []},
        status=say(words_of(source, wish, plain, found)),
        code=code_of(context, name, source, way, wish),
    )


def code_of(context: Context, name: str, source: Source, way: Way, wish: Wish) -> str:
    """The lines that translate, there and back."""
    lines = [
        loading(context, name),
        source.code,
        call("there = model.translate", raw("x"), way.directions[0]),
    ]
    before = "there"
    if wish.twist != NONE:
        lines.append(f"there = {IN_CODE[wish.twist].format('there')}")
        before = IN_CODE[wish.twist].format("there")
    if wish.noise:
        noise = f'{wish.noise:g} * normal(x.shape, generator({wish.seed}), "cpu")'
        lines.append(f"there = (there + {noise}).clamp(0, 1)")
    lines += [
        call("back = model.translate", raw(before), way.directions[1]),
        "error = (back - x).abs().mean((1, 2, 3))",
        call("verdict = model.domain_verdict", raw("there"), way.domains[1]),
    ]
    return snippet(*lines)


def arrive(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """A model is on screen: what its ways are called, and the first pictures."""
    directions = way_of(context, name, False).directions
    choices = [
        (words.capitalize(), way) for words, way in zip(directions, (THERE, BACK), strict=True)
    ]
    yield screen(way=gr.Radio(choices=choices, value=asked.way))
    yield from show(context, name, asked)


def further(context: Context, name: str, asked: Asked) -> Iterator[Screen]:
    """The next eight pictures; of an own picture, or with noise, the next seed."""
    wish = read_wish(asked)
    if asked.source == OWN:
        asked = asked.but(seed=next_seed(asked.seed))
        yield screen(seed=asked.seed)
    else:
        count = len(source_of(context, name, asked, wish).x)
        asked = asked.but(first=(wish.first - 1 + COUNT) % count + 1)
        yield screen(first=asked.first)
    yield from show(context, name, asked)


# -- the page -------------------------------------------------------------------------------------


def build(context: Context) -> None:
    """The tab."""
    part = Part(context)
    with gr.Row(elem_classes="ge-sheet"):
        with gr.Column(elem_classes="ge-controls"):
            more = gr.Button("More pictures", variant="primary", elem_id="translate-more")
            status = components.status()
            way = gr.Radio(
                [("There", THERE), ("Back", BACK)],
                value=THERE,
                label="Direction",
                elem_id="translate-way",
                elem_classes="ge-list",
            )
            own = OwnPicture(
                context, "translate", label="Pictures", offered="Test pictures", pen=10
            )
            with own.shelf:
                first = gr.Number(
                    1, label="First picture", precision=0, minimum=1, elem_id="translate-first"
                )
            twist = gr.Radio(
                [(words, key) for key, words in TWISTS.items()],
                value=NONE,
                label="Done to a translation, and undone on the way back",
                elem_id="translate-twist",
            )
            noise = gr.Slider(
                0, MOST_NOISE, 0, step=1, label="Noise on the way, in per cent",
                elem_id="translate-noise",
            )  # fmt: skip
            seed = gr.Number(0, label="Seed of the noise", precision=0, elem_id="translate-seed")
            notes = context.notes(LOOK_FOR)
        with gr.Column(elem_classes=["ge-stage", "ge-sections"]):
            rows = picture_rows(
                label="Pictures, their translations, and what comes back", largest=168
            )
            numbers, changed = readings(""), readings("")

    part.controls(
        way=way, twist=twist, noise=noise, seed=seed, first=first, source=own.source, pad=own.pad
    )
    part.outputs(
        rows=rows,
        numbers=numbers,
        changed=changed,
        status=status,
        code=notes.code,
        seed=seed,
        first=first,
        way=way,
    )
    part.arrives(arrive)
    part.on(more.click, further, main=True)
    part.on([way.input, twist.input, seed.input, first.input, own.source.input], show)
    part.on(noise.input, show, rest=0.1)
    part.draws(own.pad, show)

    context.remember("translate.way", way, parse=one_of((THERE, BACK)))
    context.remember("translate.changed", twist, parse=one_of(tuple(TWISTS)))
    context.remember("translate.noise", noise, parse=number(0, MOST_NOISE))
    context.remember("translate.first", first, parse=whole(1, 10_000))
    context.remember("translate.seed", seed, parse=whole(0, MOST_SEED))
