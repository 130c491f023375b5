"""Who keeps a record for gradients: a model whose weights learn, and nobody who only looks.

Of every capability of every family, in every configuration that is shipped, and of the toys that
stand for them in tests of the page.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from models import FAMILIES
from models.checkpoints import weights
from models.contract.capabilities import CAPABILITIES
from models.contract.random import generator
from tests.contract import CASES, Case, build, effort, images, labels
from tests.toys import write

TOYS = [
    Case(name, name, {"image": [1, 8, 8]})
    for name, path in FAMILIES.items()
    if path.startswith("tests.toys:") and name != "slow"
]

# What a model may have beside its capabilities, and what the page asks of it.
FURTHER = (
    "restore_steps",
    "noised",
    "encode_distribution",
    "embed",
    "early_features",
    "read_codes",
    "attention",
)


@pytest.fixture(scope="module", params=[*CASES, *TOYS], ids=lambda case: case.name)
def model(request):
    return build(request.param)


def calls(model) -> dict[str, tuple[Callable[[Tensor], Any], Tensor]]:
    """How each method is called: (call, the input by which it may have gradients)."""
    x, y, t = images(model), labels(model), torch.full((3,), 0.5)
    known = torch.zeros(3, *model.image_shape, dtype=torch.bool)
    known[:, :, : x.shape[2] // 2] = True
    latent = getattr(model, "latent", 1) if hasattr(model, "decode") else 1
    z = 0.5 * torch.randn((3, latent), generator=generator(4))
    u = torch.rand((3, math.prod(model.image_shape)), generator=generator(4))
    asked = (y,) if y is not None else ()
    k = torch.randint(2, (3, 5), generator=generator(4))  # symbols of a text
    return {
        "sample_steps": (lambda u: model.sample_steps(len(u), generator(0), *asked), u),
        "sample": (lambda u: model.sample(len(u), generator(0), *asked), u),
        "encode": (lambda x: model.encode(x, *asked), x),
        "decode": (lambda z: model.decode(z, *asked), z),
        "rebuild": (lambda x: model.rebuild(x, known), x),
        "log_likelihood": (lambda x: model.log_likelihood(x, generator(0), **effort(model)), x),
        "energy": (lambda x: model.energy(x), x),
        "denoise": (lambda x: model.denoise(x, t), x),
        "complete_steps": (lambda x: model.complete_steps(x, known, generator(0), *asked), x),
        "flow_steps": (lambda x: model.flow_steps(x, *asked), x),
        "inverse_steps": (lambda z: model.inverse_steps(z, *asked), z),
        "orders": (lambda u: len(model.orders), u),
        "levels": (lambda u: model.levels, u),
        "order": (lambda u: model.order(0), u),
        "observed": (lambda x: model.observed(x, generator(0)), x),
        "write_steps": (lambda u: model.write_steps(u, *asked), u),
        "predict": (lambda x: model.predict(x, *asked), x),
        "receptive_field": (lambda x: model.receptive_field(x[:1], 5), x),
        "verdict_is_logit": (lambda x: model.verdict_is_logit, x),
        "verdict": (lambda x: model.verdict(x, *asked), x),
        "codes": (lambda z: len(model.codes), z),
        "teacher": (lambda u: model.teacher, u),
        "encode_levels": (lambda x: model.encode_levels(x, generator(0)), x),
        "level_kl": (lambda x: model.level_kl(x, generator(0)), x),
        "sample_held": (lambda x: model.sample_held(0, (), generator(0), 3), x),
        "codebook_size": (lambda x: model.codebook_size, x),
        "encode_indices": (lambda x: model.encode_indices(x), x),
        "decode_indices": (lambda x: model.decode_indices(model.encode_indices(x)), x),
        "index_steps": (lambda u: model.index_steps(len(u), generator(0)), u),
        "index_log_likelihood": (
            lambda x: model.index_log_likelihood(model.encode_indices(x)), x
        ),
        "code_prior": (lambda z: model.code_prior, z),
        "class_nats": (lambda x: model.class_nats(x, generator(0)), x),
        "truncate": (lambda z: model.truncate(z, 1.0), z),
        "features": (lambda x: model.features(x), x),
        "classify": (lambda x: model.classify(x), x),
        "directions": (lambda u: model.directions, u),
        "translate": (lambda x: [model.translate(x, each) for each in model.directions], x),
        "domains": (lambda u: model.domains, u),
        "belonging": (lambda x: model.belonging(x), x),
        "in_domain": (lambda x: [model.in_domain(x, each) for each in model.domains], x),
        "domain_verdict": (
            lambda x: [model.domain_verdict(x, each) for each in model.domains], x
        ),
        "symbols": (lambda u: len(model.symbols), u),
        "read_text": (lambda u: model.read_text("".join(model.symbols)), u),
        "say_text": (lambda u: model.say_text(k[0]), u),
        "text_steps": (lambda u: model.text_steps(3, 4, generator(0)), u),
        "text_predict": (lambda u: model.text_predict(k), u),
        "text_log_likelihood": (lambda u: model.text_log_likelihood(k), u),
        "attention": (lambda u: model.attention(k), u),
        "attention_side": (lambda u: model.attention_side, u),
        "attention_gains": (lambda u: model.attention_gains, u),
        "code_attention": (lambda z: model.code_attention(z, *asked), z),
        "picture_attention": (lambda x: model.picture_attention(x, *asked), x),
        "restore_steps": (lambda x: model.restore_steps(x, 0.5, generator(0), *asked), x),
        "noised": (lambda x: model.noised(x, 0.5, torch.ones_like(x)), x),
        "encode_distribution": (lambda x: model.encode_distribution(x, *asked), x),
        "embed": (lambda z: model.embed(z), z),
        "early_features": (lambda z: model.early_features(z, *asked), z),
        "read_codes": (lambda x: model.read_codes(x), x),
    }  # fmt: skip


def tensors(found: Any) -> Iterator[Tensor]:
    """Every tensor in what a call gave, a stream read to its end."""
    if isinstance(found, Tensor):
        yield found
    elif dataclasses.is_dataclass(found):
        yield from tensors(vars(found))
    elif isinstance(found, dict):
        yield from tensors(found.values())
    elif not isinstance(found, (str, int, float, bool, type(None))):
        for part in found:
            yield from tensors(part)


def offered(model) -> dict[str, tuple[Callable, Tensor]]:
    can = {name for protocol in CAPABILITIES.values() if isinstance(model, protocol)
           for name in vars(protocol) if not name.startswith("_")}  # fmt: skip
    can |= {name for name in (*FURTHER, "sample") if hasattr(model, name)}
    asked = calls(model)
    assert can <= set(asked), "a capability that this test does not know how to call"
    return {name: asked[name] for name in sorted(can)}


def differentiable(model, name: str) -> bool:
    return getattr(getattr(type(model), name), "differentiable", False)


@pytest.mark.slow
def test_what_does_not_say_so_keeps_no_record_of_the_weights(model):
    assert all(p.requires_grad for p in model.parameters())
    for name, (call, given) in offered(model).items():
        if not differentiable(model, name):
            kept = [t for t in tensors(call(given)) if t.requires_grad]
            assert not kept, f"{name} keeps a tape, and does not say that it is differentiable"


def test_what_says_so_has_gradients_by_its_input_while_the_weights_have_none(model):
    model = copy.deepcopy(model).requires_grad_(False)  # as a file's
    for name, (call, given) in offered(model).items():
        if differentiable(model, name):
            given = given.clone().requires_grad_()
            total = sum(t.double().sum() for t in tensors(call(given)))
            [slope] = torch.autograd.grad(total, given)
            assert torch.isfinite(slope).all() and slope.abs().max() > 0, name


def test_streams_do_not_change_the_grad_mode_of_who_reads_them(model):
    for name, (call, given) in offered(model).items():
        if name.endswith("_steps"):
            for mode in (True, False):
                with torch.set_grad_enabled(mode):
                    stream = call(given)
                    next(iter(stream))
                    assert torch.is_grad_enabled() == mode, name
                    stream.close()
                    assert torch.is_grad_enabled() == mode, name


@pytest.mark.parametrize("family", ["toy", "gan", "diffusion"])
def test_the_weights_of_a_loaded_model_need_no_gradients(family, tmp_path):
    small = {"image": [1, 8, 8], **({"width": 8} if family != "toy" else {})}
    model = weights.load(write(tmp_path, "kept", family, **small))
    assert list(model.parameters()) and not any(p.requires_grad for p in model.parameters())
