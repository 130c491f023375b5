"""Finer capabilities, what a code is drawn from, and the kinds of models to come.

Most kinds have no family yet: toys keep their promises here, and a family that comes is held to the
same ones by being there.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from models.checkpoints import weights
from models.codes.inversion import invert_steps, starting_codes
from models.contract.abilities import CODE_PRIORS, FEW_STEPS, FINER, KINDS
from models.contract.capabilities import CAPABILITIES, capabilities
from models.contract.model import Code, Frame, GenerativeModel, Model
from models.contract.random import generator, normal, uniform
from tests.contract import (
    CASES,
    build,
    built,
    class_of,
    gives_the_sizes,
    having,
    images,
    labels,
    refused,
)

model = pytest.fixture(built, scope="module")
ROOT = Path(__file__).parents[3]

# -- finer -----------------------------------------------------------------------------------------


def test_every_finer_capability_is_some_familys_and_explained():
    for name, protocol in FINER.items():
        methods = [m for m in vars(protocol) if not m.startswith("_")]
        assert any(all(hasattr(class_of(case), m) for m in methods) for case in CASES) or (
            name in ("HasPosterior", "HasSchedule", "ShowsMasks")  # part of it is the instance's
            and any(isinstance(build(case), protocol) for case in CASES)
        ), name
    for name, protocol in {**FINER, **KINDS}.items():
        words = protocol.__doc__
        assert all(m in words for m in vars(protocol) if not m.startswith("_")), name
    assert not FINER.keys() & CAPABILITIES.keys() and KINDS.keys() <= CAPABILITIES.keys()


@having("ShowsAttention")
def test_shows_attention(model):
    k = torch.randint(len(model.symbols), (2, 9), generator=generator(2))
    for a in model.attention(k):
        assert a.shape == (2, a.shape[1], 10, 10) and (a >= 0).all() and not a.requires_grad
        torch.testing.assert_close(a.sum(-1), torch.ones(a.shape[:3]))
    refused(model.attention, torch.zeros(1, model.context, dtype=torch.long))


@having("RunsChains")
def test_runs_chains(model):
    x = images(model)
    for start, n in ((x, 3), (2, 2)):
        frames = list(model.chain_steps(start, generator(3), steps=4))
        assert frames[0].step == 0 and frames[-1].step == frames[-1].total == 4
        for frame in frames:
            for shown in (frame.x, frame.x0):
                assert shown.shape == (n, *model.image_shape) and not shown.requires_grad
                assert shown.min() >= 0 and shown.max() <= 1
            assert frame.info["energy"].shape == (n,) and frame.info["energy"].isfinite().all()
        again = list(model.chain_steps(start, generator(3), steps=4))
        assert all(torch.equal(a.x, b.x) for a, b in zip(frames, again, strict=True))
        other = list(model.chain_steps(start, generator(4), steps=4))
        assert not torch.equal(frames[-1].x, other[-1].x)
    refused(lambda: list(model.chain_steps(2, generator(3), steps=0)))
    refused(lambda: list(model.chain_steps(2, generator(3), temperature=-1.0)))
    refused(lambda: list(model.chain_steps(x[..., :-1], generator(3), steps=1)))


@having("Observes")
def test_observes(model):
    x = images(model)
    seen = model.observed(x, generator(3))
    assert seen.shape == x.shape and seen.min() >= 0 and seen.max() <= 1
    assert torch.equal(seen, model.observed(x, generator(3)))
    # What was observed once is what it is: a second look changes nothing.
    torch.testing.assert_close(model.observed(seen, generator(4)), seen)


@having("Noises", "Restores")
def test_noises_and_restores(model):
    x, noise = images(model), normal((3, *model.image_shape), generator(6), "cpu")
    with torch.no_grad():
        near = (model.noised(x, 0.0, noise) - x).abs().max()
        far = model.noised(x, 1.0, noise)
        assert near < 0.1 and far.shape == x.shape
        flat = torch.stack([(far - far.mean()).flatten(), (noise - noise.mean()).flatten()])
        assert torch.corrcoef(flat)[0, 1] > 0.95, "at time 1 there is noise and nothing else"
        last = list(model.restore_steps(model.noised(x, 0.5, noise), 0.5, generator(0), steps=2))[
            -1
        ]
    assert last.x.shape == x.shape and last.x.min() >= 0 and last.x.max() <= 1
    refused(model.noised, x, 1.5, noise)
    gives_the_sizes(lambda wrong: model.noised(wrong, 0.5, torch.zeros_like(wrong)), x)


@having("Noises")
def test_its_noise_levels_are_within_what_it_was_trained_on(model):
    assert isinstance(model, FINER["HasSchedule"])
    low, high = model.level_range
    assert 0 < low < high < math.inf and model.schedule.name and model.schedule.title


@having("HasEarlyFeatures")
def test_has_early_features(model):
    z = starting_codes(model, 3, generator(0))
    with torch.no_grad():
        features = model.early_features(z, labels(model))
    assert features.dim() == 2 and len(features) == 3 and torch.isfinite(features).all()


@having("ReadsCodes")
def test_reads_codes(model):
    with torch.no_grad():
        read = model.read_codes(images(model))
    assert read.shape == (3, sum(code.stop - code.start for code in model.codes))
    at = 0
    for code in model.codes:
        part, at = read[:, at : at + code.stop - code.start], at + code.stop - code.start
        if code.kind == "categorical":
            torch.testing.assert_close(part.sum(1), torch.ones(3))
    gives_the_sizes(model.read_codes, images(model))


@having("HasTeacher")
def test_has_a_teacher_by_name(model):
    assert isinstance(model.teacher, str) and model.teacher == model.config.teacher
    before = {name: value.clone() for name, value in model.state_dict().items()}
    refused(model.learn_from, Uniform(Config()))
    after = model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


# -- what a code is drawn from ---------------------------------------------------------------------


@having("Samples", "Decodes")
def test_a_code_is_drawn_from_what_is_said(model):
    assert model.code_prior in CODE_PRIORS
    n = max(8, 4000 // model.latent)
    knobs = {"steps": 1} if model.takes("steps") else {}
    with torch.no_grad():
        drawn = next(iter(model.sample_steps(n, generator(0), **knobs))).info["z"]
    free = torch.ones(model.latent, dtype=torch.bool)
    for code in getattr(model, "codes", ()):
        free[code.start : code.stop] = False
    for z in (drawn, starting_codes(model, n, generator(0))):
        z = z[:, free].double()
        mean, std = {"normal": (0, 1), "uniform": (0.5, 12**-0.5)}[model.code_prior]
        error = z.numel() ** -0.5
        assert abs(z.mean() - mean) < 5 * error and abs(z.std() - std) < 5 * error


@dataclass(frozen=True)
class Config:
    image: tuple[int, ...] = (1, 4, 4)
    latent: int = 16


class Uniform(GenerativeModel):
    """A code is the picture itself, drawn uniform; the first number is a code of its own."""

    Config = Config
    code_prior = "uniform"
    codes = (Code("turn", "continuous", 0, 1, -1.0, 1.0),)

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.scale = nn.Parameter(torch.ones(()))

    def decode(self, z, label=None):
        return (self.scale * z).abs().view(-1, *self.image_shape)

    def sample_steps(self, n, rng, label=None):
        z = uniform((n, self.latent), rng, self.device)
        yield Frame(0, 1, self.decode(z), info={"z": z})


def test_a_uniform_code_is_searched_for_without_a_normal_pull():
    model = Uniform(Config()).eval()
    start = starting_codes(model, 400, generator(0))
    assert start[:, 1:].min() >= 0 and start[:, 1:].max() < 1 and start[:, 0].min() < 0
    x = torch.full((1, 1, 4, 4), 0.9)
    # A pull to 0 so strong that it would win, if codes were taken to be normal.
    last = list(invert_steps(model, x, start[:2], steps=200, prior=100.0))[-1]
    assert last.errors.max() < 0.05
    assert last.z[:, 1:].min() >= 0 and last.z[:, 1:].max() <= 1

    class Bare(Uniform):
        code_prior = "none"

    refused(starting_codes, Bare(Config()), 3, generator(0))


# -- kinds of models to come -----------------------------------------------------------------------


def keeps_levels(model) -> None:
    """The promises of ``HasLevels``."""
    x, L = images(model), len(model.levels)
    assert L > 1 and len(set(model.levels)) == L
    codes = model.encode_levels(x, generator(0))
    assert len(codes) == L and all(len(code) == 3 for code in codes)
    kl = model.level_kl(x, generator(0))
    assert kl.shape == (3, L) and (kl > -1e-3).all() and not kl.requires_grad
    for level in (0, 1, L):
        made = model.sample_held(level, codes, generator(1), n=2)
        assert made.shape == (2 if level == 0 else 6, *model.image_shape)
        assert made.min() >= 0 and made.max() <= 1 and not made.requires_grad
        assert torch.equal(made, model.sample_held(level, codes, generator(1), n=2))
        assert torch.equal(made, model.sample_held(level, codes[:level], generator(1), n=2))
    refused(model.sample_held, L + 1, codes, generator(1))
    gives_the_sizes(lambda wrong: model.encode_levels(wrong, generator(0)), x)
    gives_the_sizes(lambda wrong: model.level_kl(wrong, generator(0)), x)


def keeps_grids(model) -> None:
    """The promises of ``QuantisesCodes``."""
    x = images(model)
    with torch.no_grad():
        k = model.encode_indices(x)
        assert k.dtype == torch.int64 and k.dim() == 3 and len(k) == 3
        assert k.min() >= 0 and k.max() < model.codebook_size
        assert torch.equal(k, model.encode_indices(x))
        assert torch.equal(model.encode_indices(x[1:2]), k[1:2])
        made = model.decode_indices(k)
    assert made.shape == x.shape and made.min() >= 0 and made.max() <= 1
    assert not made.requires_grad
    refused(model.decode_indices, torch.full_like(k, model.codebook_size))
    refused(model.decode_indices, k - model.codebook_size - 1)
    refused(model.decode_indices, k[:, :-1])
    gives_the_sizes(model.encode_indices, x)


def keeps_two_stages(model) -> None:
    """The promises of ``WritesIndices``: a grid fills, and is decoded where the model can."""
    *_, k = grids = list(model.index_steps(2, generator(0)))
    assert (k >= 0).all() and k.dtype == torch.int64
    for before, after in pairwise(grids):
        kept = before >= 0
        assert torch.equal(before[kept], after[kept]) and (after >= 0).sum() >= kept.sum()
    assert torch.equal(list(model.index_steps(2, generator(0)))[-1], k)
    nats = model.index_log_likelihood(k)
    assert nats.shape == (2,) and (nats <= 0).all() and not nats.requires_grad
    if isinstance(model, KINDS["QuantisesCodes"]):
        assert k.max() < model.codebook_size
        frame = list(model.sample_steps(2, generator(0)))[-1]
        torch.testing.assert_close(frame.x, model.decode_indices(k))


def keeps_directions(model) -> None:
    """The promises of ``Translates``."""
    x = images(model)
    assert model.directions and len(set(model.directions)) == len(model.directions)
    for direction in model.directions:
        made = model.translate(x, direction)
        assert made.shape == x.shape and made.min() >= 0 and made.max() <= 1
        assert not made.requires_grad
        gives_the_sizes(lambda wrong, direction=direction: model.translate(wrong, direction), x)
    refused(model.translate, x, "up to down")


def keeps_domains(model) -> None:
    """The promises of ``HasDomains``."""
    keeps_directions(model)
    a, b = model.domains
    assert model.directions == (f"{a} to {b}", f"{b} to {a}")
    x = images(model, 12).mul(255).round() / 255
    first, second = model.belonging(x)
    assert len(first) and len(second) and not set(first.tolist()) & set(second.tolist())
    for domain in (a, b):
        there = model.in_domain(x, domain)
        assert there.shape == x.shape and there.min() >= 0 and there.max() <= 1
        torch.testing.assert_close(model.in_domain(x[4:5], domain), there[4:5])
        verdict = model.domain_verdict(there, domain)
        assert verdict.shape == (12,) and torch.isfinite(verdict).all()
        assert not verdict.requires_grad
        torch.testing.assert_close(model.domain_verdict(there[4:5], domain), verdict[4:5])
        gives_the_sizes(lambda wrong, domain=domain: model.domain_verdict(wrong, domain), x)
    refused(model.in_domain, x, "nowhere")
    refused(model.domain_verdict, x, "nowhere")


def keeps_text(model) -> None:
    """The promises of ``WritesText``."""
    text = "".join(model.symbols[:3])
    k = model.read_text(text)
    assert k.dtype == torch.int64 and k.shape == (3,) and model.say_text(k) == text
    refused(model.read_text, "\u2603")
    steps = list(model.text_steps(2, 6, generator(0), prompt=k))
    assert [s.shape for s in steps] == [(2, t) for t in range(4, 7)]
    assert (steps[-1][:, :3] == k).all() and torch.equal(steps[-1][:, :-1], steps[-2])
    nats = model.text_log_likelihood(steps[-1])
    assert nats.shape == (2, 6) and (nats <= 0).all()
    every = model.text_predict(steps[-1])
    assert every.shape == (2, 7, len(model.symbols)) and not every.requires_grad
    torch.testing.assert_close(every.exp().sum(-1), torch.ones(2, 7))
    torch.testing.assert_close(every[:, :-1].gather(2, steps[-1][..., None])[..., 0], nats)
    changed = steps[-1].clone()
    changed[:, -1] = (changed[:, -1] + 1) % len(model.symbols)
    torch.testing.assert_close(model.text_log_likelihood(changed)[:, :-1], nats[:, :-1])


class Blocks(GenerativeModel):
    """Two stages in small: the mean of each 2 x 2 block is rounded to one of five greys, and the
    grid of these is written in rows, each more likely as the one before."""

    Config = Config
    codebook_size = 5

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.logits = nn.Parameter(2 * torch.eye(5))

    def encode_indices(self, x):
        return (nn.functional.avg_pool2d(self.checked(x), 2)[:, 0] * 4).round().long()

    def decode_indices(self, k):
        if k.shape[1:] != (2, 2) or not ((k >= 0) & (k < 5)).all():
            raise ValueError("This model's codes are 2 x 2 grids of whole numbers from 0 to 4.")
        return (k[:, None] / 4).repeat_interleave(2, 2).repeat_interleave(2, 3)

    @torch.no_grad()
    def index_steps(self, n, rng, label=None):
        k = torch.full((n, 4), -1)
        for place in range(4):
            before = k[:, place - 1] if place else torch.zeros(n, dtype=torch.long)
            p = self.logits[before].softmax(1)
            k = k.clone()
            k[:, place] = torch.multinomial(p, 1, generator=rng)[:, 0]
            yield k.view(n, 2, 2)

    @torch.no_grad()
    def index_log_likelihood(self, k, label=None):
        k = k.flatten(1)
        before = torch.cat([torch.zeros_like(k[:, :1]), k[:, :-1]], 1)
        return self.logits.log_softmax(1)[before, k].sum(1)

    def sample_steps(self, n, rng, label=None):
        for step, k in enumerate(self.index_steps(n, rng)):
            yield Frame(step, 4, self.decode_indices(k.clamp(min=0)))


class Negative(Model):
    """Translates pictures into their negatives, and back."""

    Config = Config
    directions = ("positive to negative", "negative to positive")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.scale = nn.Parameter(torch.ones(()))

    @torch.no_grad()
    def translate(self, x, direction):
        if direction not in self.directions:
            raise ValueError(f"There is no way '{direction}'. Known: {', '.join(self.directions)}.")
        return (1 - self.scale * self.checked(x)).clamp(0, 1)


class Bigrams(Model):
    """Writes text of four symbols, each by the one before."""

    Config = Config
    symbols = ("a", "b", "c", " ")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.logits = nn.Parameter(normal((5, 4), generator(0), "cpu"))  # the last: nothing before

    def read_text(self, text):
        if wrong := sorted(set(text) - set(self.symbols)):
            raise ValueError(f"This model does not know the symbol '{wrong[0]}'; it writes abc.")
        return torch.tensor([self.symbols.index(c) for c in text])

    def say_text(self, k):
        return "".join(self.symbols[i] for i in k)

    @torch.no_grad()
    def text_steps(self, n, length, rng, prompt=None):
        k = torch.zeros((n, 0), dtype=torch.long) if prompt is None else prompt.expand(n, -1)
        while k.shape[1] < length:
            before = k[:, -1] if k.shape[1] else torch.full((n,), 4)
            k = torch.cat(
                [k, torch.multinomial(self.logits[before].softmax(1), 1, generator=rng)], 1
            )
            yield k

    @torch.no_grad()
    def text_predict(self, k):
        return self.logits.log_softmax(1)[torch.cat([torch.full((len(k), 1), 4), k], 1)]

    def text_log_likelihood(self, k):
        return self.text_predict(k)[:, :-1].gather(2, k[..., None])[..., 0]


def keeps_few_steps(model) -> None:
    """The promises of ``TakesFewSteps``."""
    assert not model.takes("guidance")
    for steps in (1, 2, FEW_STEPS):
        *before, last = model.sample_steps(3, generator(0), steps=steps)
        assert len(before) == steps and last.info["evaluations"] == steps
        # The start, and so the first answer, is the same however many follow.
        assert torch.equal(before[0].x0, next(iter(model.sample_steps(3, generator(0)))).x0)
    for steps in (0, FEW_STEPS + 1):
        refused(model.sample, 3, generator(0), steps=steps)


def keeps_attention_maps(model) -> None:
    """The promises of ``HasAttentionMaps``."""
    (h, w), x = model.attention_side, images(model)
    assert x.shape[2] % h == 0 and x.shape[3] % w == 0
    z, y = torch.randn((3, model.latent), generator=generator(3)), labels(model)
    for seen in (model.code_attention(z, y), model.picture_attention(x, y)):
        assert seen.shape == (3, h * w, h * w) and (seen >= 0).all() and not seen.requires_grad
        torch.testing.assert_close(seen.sum(-1), torch.ones(3, h * w))
    assert set(model.attention_gains) == {"generator", "discriminator"}
    again = model.code_attention(z[1:2], None if y is None else y[1:2])  # each of its own alone
    torch.testing.assert_close(again[0], model.code_attention(z, y)[1], atol=1e-5, rtol=1e-4)
    refused(model.code_attention, z[:, 1:])
    gives_the_sizes(model.picture_attention, x)


def levels(_: Config) -> Model:
    """Levels have a family by now."""
    return weights.build("hvae", {"image": [1, 8, 8], "width": 8, "groups": "1, 1, 1, 1"})


def attentive(_: Config) -> Model:
    """So have maps of attention."""
    return weights.build("gan", {"image": [1, 8, 8], "width": 8, "hidden": 16, "attention": 1})


def student(_: Config) -> Model:
    """Few steps have a family, too."""
    return weights.build("consistency", {"image": [1, 8, 8], "width": 8, "middle": 1})


def domains(_: Config) -> Model:
    """Domains have a family by now."""
    return weights.build("cyclegan", {"image": [1, 8, 8], "width": 8, "judge_width": 8})


PROMISES = {
    "HasLevels": (keeps_levels, levels),
    "QuantisesCodes": (keeps_grids, Blocks),
    "WritesIndices": (keeps_two_stages, Blocks),
    "Translates": (keeps_directions, Negative),
    "HasDomains": (keeps_domains, domains),
    "WritesText": (keeps_text, Bigrams),
    "TakesFewSteps": (keeps_few_steps, student),
    "HasAttentionMaps": (keeps_attention_maps, attentive),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_room_in_the_contract(kind):
    promises, toy = PROMISES[kind]
    model = toy(Config()).eval()
    assert kind in capabilities(model)
    promises(model)
    for case in CASES:  # families that came
        if isinstance(model := build(case), KINDS[kind]):
            promises(model)


def test_no_capability_is_found_out_by_a_name():
    """What a model can do is asked of a capability: ``isinstance``, never a bare method's name."""
    probe = re.compile(r"(hasattr|getattr)\((model|self\.model|run\.ema|context\.store\.get)\b")
    for package in ("models", "explorer"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text("utf-8")
            assert "inspect.signature(model" not in text, path
            # A method that somebody asked for by its name, after what it is has been asked.
            named = (", method", ", verb")
            found = [m for m in probe.finditer(text) if text[m.end() :].split(")")[0] not in named]
            assert not found, (path, [m.group() for m in found])
