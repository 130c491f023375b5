"""The forward passes of exported models, in the browser that will run them, against torch."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import torch

from models.checkpoints import weights
from models.checkpoints.header import read_header
from models.contract.random import generator
from models.export.packing import pack
from models.export.portable import PORTABLE, portable
from models.export.scripts import passes
from tests.portable import CASES, KNOBS, model_of, packed_of


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


def test_a_family_without_a_pass_is_named_in_one_sentence():
    with pytest.raises(ValueError, match="of the family 'flow' cannot be exported yet"):
        portable(None, "flow")
