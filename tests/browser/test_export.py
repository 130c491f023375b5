"""A model taken home: its forward pass in a browser against torch, and the file that shows it."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
import torch

from explorer.export import files
from models.checkpoints import weights
from models.checkpoints.header import Header, read_header
from models.contract.capabilities import capabilities
from models.contract.random import generator, normal
from models.export.packing import pack
from models.export.portable import PORTABLE, portable
from models.export.scripts import passes
from tests.browser.conftest import assert_no_serious_findings, every_window, until, watched

SMALL = (1, 8, 8)
# A model of each family and network that can be exported, and of what its settings change.
CASES = {
    "rbm": ("rbm", {"hidden": 20, "chains": 5}),
    "fvsbn": ("autoregressive", {"network": "fvsbn"}),
    "nade": ("autoregressive", {"network": "nade", "width": 12}),
    "nade-classes": ("autoregressive", {"network": "nade", "width": 12, "num_classes": 3}),
    "made": ("autoregressive", {"width": 70, "layers": 3, "orders": "raster, centre"}),
    "made-levels": (
        "autoregressive",
        {
            "width": 40,
            "pixels": "categorical",
            "levels": 5,
            "num_classes": 3,
            "image": (3, 4, 4),
        },
    ),
    "made-logistic": (
        "autoregressive",
        {
            "width": 40,
            "pixels": "logistic",
            "levels": 16,
            "components": 2,
            "orders": "shuffled",
        },
    ),
    "pixelcnn": ("autoregressive", {"network": "pixelcnn", "width": 8, "num_classes": 3}),
    "pixelcnn-colour": (
        "autoregressive",
        {
            "network": "pixelcnn",
            "width": 8,
            "layers": 1,
            "pixels": "categorical",
            "levels": 4,
            "image": (3, 5, 6),
            "ends": True,
            "head": 6,
        },
    ),
    "gated": (
        "autoregressive",
        {
            "network": "gated",
            "width": 6,
            "layers": 4,
            "ends": True,
            "num_classes": 3,
        },
    ),
    "transformer": (
        "autoregressive",
        {
            "network": "transformer",
            "width": 12,
            "head_width": 4,
            "hidden": 20,
            "num_classes": 3,
            "orders": "raster, columns",
            "hidden_layers": 2,
            "shift": 1,
        },
    ),
    "transformer-levels": (
        "autoregressive",
        {
            "network": "transformer",
            "width": 12,
            "head_width": 4,
            "hidden": 20,
            "ends": True,
            "pixels": "logistic",
            "levels": 16,
            "components": 2,
            "patch": 2,
            "image": (3, 4, 4),
        },
    ),
    "vae": ("vae", {"latent": 2, "width": 16, "blocks": 2, "hidden": 20}),
    "vae-prior": (
        "vae",
        {
            "latent": 5,
            "width": 16,
            "blocks": 1,
            "hidden": 20,
            "prior_layers": 3,
            "num_classes": 3,
            "prior_hidden": 9,
            "likelihood": "logistic",
            "image": (3, 8, 8),
        },
    ),
    "gan": ("gan", {"noise": 20, "width": 16, "num_classes": 3, "hidden": 8}),
    "infogan": (
        "gan",
        {
            "noise": 4,
            "width": 16,
            "categories": 3,
            "continuous": 2,
            "contrast": 3.0,
            "hidden": 8,
            "image": (3, 8, 8),
        },
    ),
    "diffusion": ("diffusion", {"width": 8, "middle": 2, "heads": 2, "num_classes": 3}),
    "diffusion-v": ("diffusion", {"width": 8, "middle": 1, "prediction": "v", "schedule": "flow"}),
}
KNOBS = {
    "rbm": {"steps": 12, "temperature": 0.8},
    "made": {"order": 1, "temperature": 0.7},
    "made-levels": {"label": 1, "guidance": 2.0, "temperature": 1.3},
    "pixelcnn": {"label": 2},
    "gated": {"guidance": 1.5},
    "transformer": {"order": 1, "label": 1},
    "vae": {"temperature": 1.4},
    "gan": {"label": 2, "truncation": 0.8},
    "diffusion": {"steps": 5, "sampler": "ddim", "label": 1, "guidance": 2.0},
    "diffusion-v": {"steps": 5},
}


def model_of(case: str):
    """An untrained model with weights at random, none of them 0."""
    family, config = CASES[case]
    model = weights.build(family, {"image": SMALL, **config}).eval().requires_grad_(False)
    rng = generator(3)
    for name, p in model.named_parameters():
        size = max(1.0, p[0].numel() ** 0.5) if p.dim() > 1 else 4.0
        p.copy_(normal(p.shape, rng, "cpu") / size + (1.0 if "norm" in name else 0.0))
    if "chains" in model.state_dict():
        model.chains.copy_((normal(model.chains.shape, rng, "cpu") > 0).float())
    return model


@pytest.fixture(scope="module")
def calculate(browser):
    """``calculate(body, *A)``: what a function's body over the forward passes returns in the
    browser, A its arguments."""
    page = browser.new_page()
    page.set_content("<!doctype html><title>Forward passes</title>")
    page.add_script_tag(content=passes())
    yield lambda body, *arguments: page.evaluate(f"A => {{ {body} }}", list(arguments))
    page.close()


# Pictures of a seed by a model {forward, config, table, data}, or the levels of another draw.
SAMPLE = """
const [{ forward, config, table, data }, seed, n, knobs] = A;
const model = FORWARD[forward](config, unpackWeights(table, fromBase64(data)));
let last;
for (const frame of model.sample(streamsOf(seed, n), knobs)) last = frame ?? last;
return last.pictures.map(x => Array.from(x));
"""


def packed_of(model, family: str, kind: str) -> dict:
    found = portable(model, family)
    packed = pack(found.tensors, kind, found.whole)
    config = {**found.config, "image": list(model.image_shape), "classes": model.class_count}
    data = base64.b64encode(packed.data).decode()
    return {"forward": found.forward, "config": config, "table": packed.table, "data": data}


def difference(calculate, model, family: str, kind: str, knobs: dict, n: int = 3) -> np.ndarray:
    """|browser - torch| of each value of the pictures of one seed."""
    theirs = model.sample(n, generator(11), **knobs).numpy().reshape(n, -1)
    ours = np.array(calculate(SAMPLE, packed_of(model, family, kind), 11, n, knobs))
    return np.abs(ours - theirs)


@pytest.mark.parametrize("case", CASES)
def test_a_seed_gives_what_torch_gives(calculate, case):
    """Noise, codes and uniforms are the same, so that pictures can be held against one another."""
    model, family, knobs = model_of(case), CASES[case][0], KNOBS.get(case, {})
    off = difference(calculate, model, family, "float32", knobs)
    if family in ("autoregressive", "rbm"):
        assert off.max() < 1e-6  # the same levels, and for a chain the same chances
    assert off.max() < 1e-3
    # Of weights that half precision holds, as those of a checkpoint are.
    for p in model.parameters():
        p.copy_(p.half().float())
    assert difference(calculate, model, family, "float16", knobs).max() <= 2 / 255


def test_every_family_that_can_be_exported_is_held_against_torch():
    assert {family for family, _ in CASES.values()} == set(PORTABLE)


# One of each network that is shipped, in the size that is on the page.
SHIPPED = (
    "rbm-mnist",
    "fvsbn-mnist",
    "nade-mnist",
    "made-orders-mnist",
    "pixelcnn-blind-mnist",
    "pixelcnn-mnist",
    "pixelcnn-fashion",
    "transformer-mnist-classes",
    "transformer-fashion8",
    "vae-mnist-2d",
    "vae-fashion",
    "gan-mnist",
    "infogan-mnist",
    "diffusion-mnist",
)


@pytest.mark.shipped
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_give_what_torch_gives(calculate, name):
    model, family = weights.load(name), read_header(name).family
    knobs = {"steps": 5} if model.takes("steps") else {}
    off = difference(calculate, model, family, "float16", knobs, n=2)
    assert off.max() < 1e-3


def test_random_numbers_are_those_of_torch(calculate):
    """Of a stream: fewer than sixteen normal numbers, sixteen, and a number between."""
    body = """
    const rng = new Twister(A[0]), parts = [];
    parts.push(...rng.uniforms(5), ...rng.normals(3), ...rng.normals(16), ...rng.normals(37));
    return [...parts, ...rng.normals(2)];
    """
    for seed in (0, 1, 2**32 - 1):
        rng = torch.Generator().manual_seed(seed)
        theirs = [torch.rand(5, generator=rng)]
        theirs += [torch.randn(n, generator=rng) for n in (3, 16, 37, 2)]
        np.testing.assert_allclose(calculate(body, seed), torch.cat(theirs), atol=2e-6)


@pytest.mark.parametrize("kind", ["float32", "float16", "int8"])
def test_weights_come_as_they_were_packed(calculate, kind):
    rng = np.random.default_rng(0)
    values = {
        "a.0.weight": rng.normal(size=(5, 3, 2)),
        "a.0.bias": rng.normal(size=7) * 1e-6,
        "b": np.array([0.0, -0.0, 65504.0, -1.5]),
    }
    packed = pack({k: torch.tensor(v).float() for k, v in values.items()}, kind)
    body = "return Object.values(unpackWeights(A[0], fromBase64(A[1]))).map(each => "
    body += "each.data ? [...each.data] : [[...each[0].weight.data], [...each[0].bias.data]])"
    a, b = calculate(body, packed.table, base64.b64encode(packed.data).decode())
    exact = {"float32": 1e-7, "float16": 1e-3, "int8": 1 / 127}[kind]
    rows = values["a.0.weight"].reshape(5, -1)
    error = np.abs(np.array(a[0]).reshape(5, -1) - rows).max(1)
    assert (error <= exact * np.abs(rows).max(1)).all()
    np.testing.assert_allclose(a[1], values["a.0.bias"], atol=6e-8)  # half precision's least step
    np.testing.assert_allclose(b, values["b"], rtol=1e-3)


def test_functions_that_javascript_lacks(calculate):
    x = np.linspace(-5, 5, 41)
    ours = calculate("return A[0].map(v => [erf(v), gelu(v)])", x.tolist())
    theirs = torch.tensor(x)
    np.testing.assert_allclose(np.array(ours)[:, 0], torch.erf(theirs), atol=1e-12)
    gelu = torch.nn.functional.gelu(theirs)
    np.testing.assert_allclose(np.array(ours)[:, 1], gelu, atol=1e-12)


# -- the file --------------------------------------------------------------------------------------


def written(folder, case: str):
    """A checkpoint of one of the cases, in a folder of its name."""
    family, config = CASES[case]
    model = model_of(case)
    header = Header(
        name=case,
        family=family,
        title=f"A {case} & <more>",
        about="Untrained.",
        config={"image": list(SMALL), **config},
        recipe={},
        seed=0,
        data={"name": "digits", "classes": ["zero", "one", "two"]},
        training={},
        parameters=sum(p.numel() for p in model.parameters()),
        capabilities=tuple(sorted(capabilities(model))),
    )
    return weights.save(model, header, folder / case)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("exported")


@pytest.fixture(scope="module")
def exported(folder):
    """``exported(case)``: the address of its file on this machine."""

    def export(case: str) -> str:
        target = folder / f"{case}.html"
        if not target.exists():
            files.write_file(written(folder, case), target, "float16")
        return target.as_uri()

    return export


@pytest.fixture
def opened(kept, exported):
    """``opened(case, place)``: its file, opened as by a double click, without a network."""
    page = kept.fresh()
    page.context.set_offline(True)

    def open_file(case: str, place: str = ""):
        page.goto("about:blank")
        page.goto(exported(case) + place)
        page.wait_for_selector("body[data-ready]")
        return page

    with watched(page, "file://") as seen:
        yield open_file
    page.context.set_offline(False)
    kept.close()
    assert seen.errors == []
    assert seen.foreign == []


def rests(page) -> None:
    """Waits until what is on screen is done."""
    page.wait_for_function(
        """() => { const all = [...document.querySelectorAll('.ge-panel:not([hidden]) .ge-status')];
             return all.length && all.every(s => s.dataset.kind === 'plain'
               && /browser|nats/.test(s.textContent)) }"""
    )


def drawn(page, selector: str) -> np.ndarray:
    """(n, H, W): the red of each canvas's pixels."""
    return np.array(
        page.eval_on_selector_all(
            selector,
            """all => all.map(c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height);
             return Array.from({ length: c.height }, (_, y) =>
               Array.from({ length: c.width }, (_, x) => d.data[4 * (y * c.width + x)])) })""",
        )
    )


def tabs(page) -> list[str]:
    return page.eval_on_selector_all("[role=tab]", "all => all.map(tab => tab.textContent)")


def test_tabs_follow_from_what_the_model_can(opened):
    assert tabs(opened("vae")) == ["Sample", "Latent space"]
    assert tabs(opened("nade")) == ["Sample", "Pixels"]
    assert tabs(opened("diffusion")) == ["Sample", "Denoise"]
    page = opened("rbm")
    assert tabs(page) == ["Sample"] and page.is_hidden("[role=tablist]")


def test_a_seed_shows_the_pictures_that_torch_draws(opened, folder):
    page = opened("vae")
    rests(page)
    theirs = weights.load(folder / "vae").sample(36, generator(0))[:, 0].numpy()
    assert np.abs(drawn(page, ".ge-image-grid canvas") - 255 * theirs).max() <= 2
    assert page.text_content("h1") == "A vae & <more>"
    page.click("text=Sample again")
    until(page, lambda: page.input_value("[type=number]") == "1")
    rests(page)
    theirs = weights.load(folder / "vae").sample(36, generator(1))[:, 0].numpy()
    assert np.abs(drawn(page, ".ge-image-grid canvas") - 255 * theirs).max() <= 2
    assert page.text_content(".ge-closeup .large figcaption") == "Picture 1 of 36"


def test_the_pad_decodes_where_the_marker_is_put(opened, folder):
    page = opened("vae", "#latent")
    page.wait_for_selector(".ge-traversals .row")
    page.focus(".ge-latent-pad .field")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    page.wait_for_function("document.querySelector('.state').textContent === 'exact'")
    z = torch.tensor([[1.5, 0.0]])
    theirs = weights.load(folder / "vae").decode(z)[0, 0].numpy()
    until(page, lambda: np.abs(drawn(page, ".picture")[0] - 255 * theirs).max() <= 2)


def test_a_picture_is_written_and_written_on_from_a_changed_pixel(opened, folder):
    page = opened("nade", "#pixels")
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    rests(page)
    model = weights.load(folder / "nade")
    theirs = model.sample(1, generator(0)).flatten().numpy().round().astype(int).tolist()

    def levels() -> list[int]:
        return page.evaluate("[...GE.writing.pixels.levels]")

    assert levels() == theirs
    place = 20
    page.evaluate(
        """place => { const at = { id: 'pixels', what: 'pin', value: place };
          document.dispatchEvent(new CustomEvent('ge:writing-do', { detail: at })) }""",
        place,
    )
    x = torch.tensor(theirs).view(1, *SMALL).float()
    chance = torch.sigmoid(model.numbers(x)[0, place, 0])
    told = page.get_attribute(".ge-pixel-probe .chances", "aria-label")
    white = float(told.split("white ")[1].split(" %")[0].lstrip("<> "))
    assert white == pytest.approx(100 * float(chance), abs=0.06)
    page.click(f"text=Make it {['white', 'black'][theirs[place]]}")
    until(page, lambda: levels()[place] == 1 - theirs[place])
    rests(page)
    assert levels()[:place] == theirs[:place] and len(levels()) == 64


def test_a_denoiser_is_watched_step_by_step(opened, folder):
    page = opened("diffusion", "#denoise")
    rests(page)
    assert "20 steps" in page.text_content(".ge-panel:not([hidden]) .ge-status p")
    page.focus(".ge-film .rows")
    page.keyboard.press("End")
    frames = list(weights.load(folder / "diffusion").sample_steps(1, generator(0)))
    for k, frame in ((20, frames[-1]), (19, frames[-2])):
        until(page, lambda k=k: page.input_value(".ge-film input[type=range]") == str(k))
        there, guess = drawn(page, ".ge-film canvas")
        assert np.abs(there - 255 * frame.x[0, 0].numpy()).max() <= 2
        assert np.abs(guess - 255 * frame.x0[0, 0].numpy()).max() <= 2
        page.keyboard.press("ArrowLeft")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_file_fits_every_window_and_axe_finds_nothing(opened, scheme):
    for case, places in {"gan": ("#sample", "#latent"), "nade": ("#pixels",)}.items():
        for place in places:
            page = opened(case, place)
            page.emulate_media(color_scheme=scheme)
            page.wait_for_selector(".ge-panel:not([hidden]) canvas")
            for _ in every_window(page):
                assert_no_serious_findings(page)


def test_tabs_are_walked_by_arrow_keys(opened):
    page = opened("vae")
    page.focus("#tab-sample")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#tab-latent", "aria-selected") == "true"
    assert page.evaluate("location.hash") == "#latent"
    page.keyboard.press("Home")
    assert page.is_visible("#panel-sample") and page.is_hidden("#panel-latent")


def test_a_command_writes_a_file_and_says_what_it_cannot(tmp_path, folder, capsys):
    from models.__main__ import main

    target = tmp_path / "page.html"
    checkpoint = str(written(folder, "nade"))
    assert main(["export", checkpoint, "--to", str(target), "--weights", "int8", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"out": str(target), "bytes": target.stat().st_size, "weights": "int8"}
    wrong = {
        ("--to", str(tmp_path / "page.pdf")): "ends in .html",
        (): "Say where to write",
        ("--to", "a.html", "--weights", "float8"): "--weights is one of",
    }
    for options, sentence in wrong.items():
        assert main(["export", checkpoint, *options]) == 2
        assert sentence in capsys.readouterr().err


def test_a_family_without_a_pass_is_named_in_one_sentence():
    with pytest.raises(ValueError, match="of the family 'flow' cannot be exported yet"):
        portable(None, "flow")
