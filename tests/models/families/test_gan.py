"""GANs as models: penalties and classes in their losses, players, codes, encoders, learning."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from models.__main__ import main
from models.checkpoints import snapshots, weights
from models.contract.capabilities import capabilities
from models.contract.random import generator
from models.data import datasets
from models.families.gan.gan import GAN, BiGAN, truncated
from models.families.gan.infogan import InfoGAN, common_information, distorted
from models.families.gan.losses import GAMES, gradient_penalty, r1, squared_gradient
from models.training.recipe import load_recipe, recipe_names
from models.training.train import Run
from tests.models.checkpoints.test_snapshots import tiny_gan, trained

SMALL = {"image": [1, 8, 8], "noise": 5, "width": 8, "hidden": 16}
CODED = {"categories": 3, "continuous": 2}


def small(**settings) -> GAN:
    """A small GAN whose every weight is moved away from where it starts."""
    torch.manual_seed(0)
    model = weights.build("gan", {**SMALL, **settings})
    rng = generator(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=rng)
    return model.eval()


def pictures(n: int = 6, side: int = 8) -> torch.Tensor:
    return torch.rand((n, 1, side, side), generator=generator(2))


# -- penalties -------------------------------------------------------------------------------------


def test_squared_gradients_are_those_of_autograd_picture_by_picture():
    model, x, y = small(), pictures(), torch.zeros(6, 0)
    found = squared_gradient(lambda x: model.discriminator(x, y), x)
    assert found.shape == (6,) and found.requires_grad
    for k in range(6):
        one = x[k : k + 1].clone().requires_grad_()
        model.discriminator(one, y[:1]).backward()
        assert found[k].item() == pytest.approx(one.grad.square().sum().item(), rel=1e-4)
    with torch.no_grad():  # asked for where no gradients are kept, as when held-out images are
        again = r1(lambda x: model.discriminator(x, y), x)
    assert again.item() == pytest.approx(found.mean().item() / 2, rel=1e-5)


def test_penalties_are_in_the_discriminators_loss_with_their_weights():
    x = pictures()

    def first(**settings):
        model = small(**settings)
        return model, next(iter(model.objectives(x, None, generator(0))))

    plain = first()[1].loss.item()
    model, objective = first(r1=3.0, penalised=0.5)
    expected = r1(lambda x: model.discriminator(x, torch.zeros(len(x), 0)), x[:3]).item()
    assert objective.loss.item() == pytest.approx(plain + 3 * expected, rel=1e-5)
    model, objective = first(gradient_penalty=7.0)
    rng = generator(0)
    made = model.decode(model.draw(6, rng))
    expected = gradient_penalty(
        lambda x: model.discriminator(x, torch.zeros(6, 0)), [x], [made], rng
    ).item()
    assert objective.loss.item() == pytest.approx(plain + 7 * expected, rel=1e-5)
    assert objective.logs["value"].item() == pytest.approx(-plain, rel=1e-5)


def test_spectral_normalisation_divides_by_the_largest_singular_value():
    model = weights.build("gan", {**SMALL, "spectral": True, "game": "hinge", "num_classes": 3})
    model.train()
    for _ in range(40):  # an iteration of the power method each time
        model.verdict(pictures(2), 1)
    model.eval()
    layers = [m for m in model.discriminator.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert len(layers) >= 6
    for layer in layers:
        largest = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
        assert largest.item() == pytest.approx(1, abs=0.02)
    assert not any("parametrizations" in name for name, _ in model.generator.named_parameters())
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.verdict(pictures(2), 1)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items()), "it only looks"


def test_what_is_kept_of_a_normalised_discriminator_is_normalised(digits):
    run = Run(tiny_gan({"spectral": True, "game": "hinge"}, steps=25, snapshots=0), digits)
    trained(run)
    for layer in run.ema.discriminator.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            largest = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
            assert largest.item() == pytest.approx(1, abs=0.1)


# -- classes ---------------------------------------------------------------------------------------


def test_the_projection_by_hand():
    model, x = small(num_classes=4, r1=1.0), pictures()
    label = torch.tensor([0, 1, 2, 3, 0, 2])
    phi = model.discriminator.features(x)
    psi, V = model.discriminator.psi.weight[0], model.discriminator.V.weight
    by_hand = phi @ psi + torch.stack([V[k] @ row for k, row in zip(label, phi, strict=True)])
    torch.testing.assert_close(model.verdict(x, label), by_hand, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(model.verdict(x), phi @ psi, atol=1e-5, rtol=1e-5)


def test_a_picture_is_judged_with_its_own_label():
    model, x, y = small(num_classes=3), pictures(), torch.tensor([0, 1, 2, 0, 1, 2])
    objective = next(iter(model.objectives(x, y, generator(0))))
    made = model.decode(model.draw(6, generator(0)), y)
    expected = GAMES["nonsaturating"].discriminator(model.verdict(x, y), model.verdict(made, y))
    assert objective.loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_verdict_has_a_gradient_by_the_picture():
    for settings in ({}, {"encoder": True}, CODED, {"num_classes": 3}):
        model, x = small(**settings), pictures().requires_grad_()
        d = model.verdict(x)
        assert d.shape == (6,)
        slope = torch.autograd.grad(d.sum(), x)[0]
        assert slope.isfinite().all() and (slope.flatten(1).abs().sum(1) > 0).all()


@pytest.mark.parametrize("halvings", [1, 2])
def test_a_generator_starts_without_a_chequerboard(halvings):
    torch.manual_seed(0)
    x = weights.build("gan", {**SMALL, "image": [2, 8, 8], "halvings": halvings}).sample(
        3, generator(0)
    )
    squares = x.unfold(2, 2, 2).unfold(3, 2, 2)  # (3, 2, 4, 4, 2, 2)
    torch.testing.assert_close(squares, squares[..., :1, :1].expand_as(squares))
    assert x[0].std() > 1e-3 and not torch.allclose(x[:, 0], x[:, 1])


# -- players ---------------------------------------------------------------------------------------

VARIANTS = {
    "plain": {},
    "conditional": {"num_classes": 10, "r1": 1.0},
    "wasserstein": {"game": "wasserstein", "gradient_penalty": 10.0, "critic_steps": 3},
    "spectral": {"game": "hinge", "spectral": True, "critic_rate": 2.0},
    "infogan": CODED,
    "bigan": {"encoder": True, "r1": 1.0},
}


@pytest.mark.parametrize("settings", VARIANTS.values(), ids=VARIANTS)
def test_each_objective_moves_only_its_players_weights(settings):
    model = small(**settings)
    y = torch.arange(6) if model.class_count else None
    owned: dict[str, set[int]] = {}
    order, rates = [], {}
    for objective in model.objectives(pictures(), y, generator(0)):
        ids = {id(p) for p in objective.params}
        assert owned.setdefault(objective.player, ids) == ids
        order.append(objective.player)
        rates[objective.player] = objective.rate
    assert owned["discriminator"].isdisjoint(owned["generator"])
    assert owned["discriminator"] | owned["generator"] == {id(p) for p in model.parameters()}
    assert {id(p) for p in model.generator.parameters()} <= owned["generator"]
    assert order == ["discriminator"] * settings.get("critic_steps", 1) + ["generator"]
    assert rates == {"discriminator": settings.get("critic_rate", 1.0), "generator": 1.0}


def test_the_loop_gives_a_player_its_gradients_steps_and_rate(digits):
    model = {"game": "wasserstein", "gradient_penalty": 10.0, "critic_steps": 3, "critic_rate": 2.0}
    settings = {"snapshots": 0, "weight_decay": 0.0, "warmup": 0.0}
    run = Run(tiny_gan(model, steps=1, held_out=40, **settings), digits)
    before = [p.clone() for p in run.model.generator.parameters()]
    [logs] = trained(run)
    steps = {
        name: {int(s["step"]) for s in optimizer.state.values()}
        for name, optimizer in run.optimizers.items()
    }
    assert steps == {"discriminator": {3}, "generator": {1}}
    rates = {name: o.param_groups[0]["lr"] for name, o in run.optimizers.items()}
    assert rates["discriminator"] == pytest.approx(2 * rates["generator"]) and rates["generator"]
    assert {"discriminator_loss", "generator_loss", "value", "penalty"} <= logs.keys()
    # A player's loss is that of one step, on images set aside as well.
    assert logs["held_out_discriminator_loss"] == pytest.approx(logs["discriminator_loss"], rel=0.5)
    assert any(
        not torch.equal(a, b) for a, b in zip(before, run.model.generator.parameters(), strict=True)
    )


@pytest.mark.parametrize("name", ["wasserstein", "spectral"])  # steps of unlike count; a memory
def test_a_run_left_and_resumed_equals_a_straight_one(name, digits, tmp_path):
    from tests.models.training.test_resume import resumes

    resumes(tiny_gan(VARIANTS[name], steps=20), digits, tmp_path)


# -- InfoGAN ---------------------------------------------------------------------------------------


def test_the_bound_is_the_entropy_a_reader_removes():
    """Three categories and a picture that tells some of them: with Q the true posterior the bound
    is the information itself, counted from the joint table; with any other it is below."""
    model = small(categories=3)
    joint = torch.tensor([[0.25, 0.05, 1 / 30], [1 / 12, 0.2, 0.05], [0.0, 1 / 12, 0.25]])
    assert torch.allclose(joint.sum(1), torch.full((3,), 1 / 3), atol=1e-6)  # p(c)
    posterior = joint / joint.sum(0)  # p(c | x), each column
    information = float(
        (joint * (joint / (joint.sum(0) * joint.sum(1, keepdim=True))).log()).nan_to_num().sum()
    )
    # A million draws without chance: each cell as often as its probability says.
    counts = (joint * 3600).round().long()
    c, x = (i.repeat_interleave(counts.flatten()) for i in torch.meshgrid(
        torch.arange(3), torch.arange(3), indexing="ij") for i in [i.flatten()])  # fmt: skip
    codes = nn.functional.one_hot(c, 3).float()
    bound, nothing = model.information_bounds((posterior + 1e-12).log().T[x], codes)
    assert bound.item() == pytest.approx(information, abs=1e-4) and nothing == 0
    for seed in range(3):
        worse = torch.randn((3, 3), generator=generator(seed))
        assert model.information_bounds(worse[x], codes)[0].item() < information
    assert model.information_bounds(torch.zeros(len(c), 3), codes)[0].abs() < 1e-6


def test_the_bound_of_a_continuous_code_by_integration():
    model = small(continuous=1)
    c = (torch.arange(20_000) + 0.5)[:, None] / 10_000 - 1  # uniform in [-1, 1]

    def bound(log_std: float) -> float:
        read = torch.cat([0.8 * c, torch.full_like(c, log_std)], 1)
        return model.information_bounds(read, c)[1].item()

    noise = torch.distributions.Normal(0.8 * c, math.exp(-0.5))
    expected = math.log(2) + noise.log_prob(c).mean().item()
    assert bound(-0.5) == pytest.approx(expected, abs=1e-4)
    # Who says that it reads more finely than that is not paid for it.
    assert bound(-3.0) == bound(-0.7)


def test_where_codes_are_and_that_they_are_drawn_so():
    model = small(**CODED)
    assert isinstance(model, InfoGAN) and model.latent == 5 + 3 + 2
    category, *others = model.codes
    assert (category.kind, category.start, category.stop) == ("categorical", 5, 8)
    assert [(c.kind, c.start, c.stop, c.low, c.high) for c in others] == [
        ("continuous", 8, 9, -1, 1),
        ("continuous", 9, 10, -1, 1),
    ]
    z = model.draw(3000, generator(0))
    one_hot = z[:, category.start : category.stop]
    assert set(one_hot.unique().tolist()) == {0, 1} and (one_hot.sum(1) == 1).all()
    torch.testing.assert_close(one_hot.mean(0), torch.full((3,), 1 / 3), atol=0.04, rtol=0)
    assert z[:, 8:].min() >= -1 and z[:, 8:].max() <= 1
    torch.testing.assert_close(z[:, 8:].var(0), torch.full((2,), 1 / 3), atol=0.02, rtol=0)
    torch.testing.assert_close(z[:, :5].var(0), torch.ones(5), atol=0.1, rtol=0)
    read = model.read_codes(pictures())
    assert read.shape == (6, 5)
    torch.testing.assert_close(read[:, :3].sum(1), torch.ones(6))
    # Truncation is for the noise: a code is what it is.
    [frame] = model.sample_steps(50, generator(1), truncation=0.5)
    assert frame.info["z"][:, :5].abs().max() <= 0.5 < frame.info["z"][:, 5:].abs().max()
    assert not hasattr(small(), "codes") and not hasattr(small(), "encode")


def test_a_steady_category_is_read_off_the_picture_and_outweighs_the_noise():
    model, x = small(**CODED, steady=True, clusters=0.5, contrast=4.0), pictures()
    z = model.draw(6, generator(0))
    plain = model.generator
    stretched = torch.cat([z[:, :5] / 4, z[:, 5:8] * 4, z[:, 8:]], 1)
    made = model.decode(z)
    plain.scale.fill_(1.0)
    torch.testing.assert_close(model.decode(stretched), made)
    read = model.read_codes(x)
    assert read.shape == (6, 5)
    torch.testing.assert_close(read[:, :3], model.category(x).softmax(1))
    judging, making = model.objectives(x, None, generator(0))
    assert {id(p) for p in model.category.parameters()} <= {id(p) for p in judging.params}
    assert "clusters_nats" in judging.logs and judging.loss.isfinite()
    judging.loss.backward()
    assert all(p.grad is not None for p in judging.params)
    # The generator is told through the distorted picture.
    making.loss.backward()
    assert all(p.grad.abs().sum() > 0 for p in making.params)
    for wrong in ({"steady": True}, {"categories": 3, "clusters": 1.0}):
        with pytest.raises(ValueError, match="steady"):
            small(continuous=1, **wrong)


def test_a_look_shows_the_same_picture_another_way():
    x = torch.zeros(200, 1, 28, 28)
    x[:, :, 8:20, 12:16] = 1
    seen = distorted(x, generator(0))
    assert seen.shape == x.shape and torch.equal(seen, distorted(x, generator(0)))
    noise = seen[:, :, 0, 0].std()  # in a corner there is nothing else
    assert 0.1 < noise < 0.2
    mass = seen.sum((1, 2, 3)) / x.sum((1, 2, 3))
    assert 0.9 < mass.median() < 1.1 and mass.std() > 0.1  # stretched, and nothing lost
    rows = torch.arange(28.0)
    middle = (seen.clamp(min=0).sum(3)[:, 0] @ rows) / seen.clamp(min=0).sum((1, 2, 3))
    assert middle.std() > 0.5  # moved


def test_what_two_looks_have_in_common():
    """Against the definition, and at both ends: nothing, and everything there is."""
    agree = torch.eye(4).repeat(5, 1)
    assert common_information(agree, agree).item() == pytest.approx(math.log(4), abs=1e-4)
    assert common_information(torch.full((20, 4), 0.25), agree).item() == pytest.approx(0, abs=1e-5)
    p, q = (torch.randn((50, 4), generator=generator(k)).mul(2).softmax(1) for k in (1, 2))
    joint = (torch.einsum("ba,bc->ac", p, q) / 50).double()
    joint = (joint + joint.T) / 2
    entropy = torch.special.entr
    want = 2 * entropy(joint.sum(0)).sum() - entropy(joint).sum()
    assert common_information(p, q).item() == pytest.approx(want.item(), abs=1e-5)


# -- BiGAN -----------------------------------------------------------------------------------------


def test_pairs_are_judged_and_both_players_play_for_them():
    model, x = small(encoder=True), pictures()
    assert isinstance(model, BiGAN) and "Encodes" in capabilities(model)
    y = torch.zeros(6, 0)
    objectives = list(model.objectives(x, None, generator(0)))
    rng = generator(0)
    z = [model.draw(6, rng) for _ in objectives]  # the discriminator's, the generator's
    real = model.discriminator(x, y, model.encode(x))
    made = [model.discriminator(model.decode(code), y, code) for code in z]
    game = GAMES["nonsaturating"]
    assert objectives[0].loss.item() == pytest.approx(
        game.discriminator(real, made[0]).item(), rel=1e-5
    )
    by_hand = -(made[1].sigmoid().log().mean() + (1 - real.sigmoid()).log().mean())
    assert objectives[1].loss.item() == pytest.approx(by_hand.item(), rel=1e-5)
    torch.testing.assert_close(model.verdict(x), real)


# -- samples ---------------------------------------------------------------------------------------


def test_truncated_noise_is_the_normal_within_the_threshold():
    z = torch.randn(200_000, generator=generator(0), dtype=torch.float64)
    for t in (0.3, 1.0, 2.0):
        found = truncated(z, t)
        assert found.abs().max() <= t
        assert (found.argsort() == z.argsort()).all()
        x = torch.linspace(-t, t, 10_001, dtype=torch.float64)
        p = (-x.square() / 2).exp()
        variance = (torch.trapezoid(p * x.square(), x) / torch.trapezoid(p, x)).item()
        assert found.var().item() == pytest.approx(variance, rel=0.01)
    assert torch.equal(truncated(z, math.inf), z)
    torch.testing.assert_close(truncated(z, 30.0), z)
    # The same seed's pictures move with the threshold, and end where they are without one.
    model = small()
    near, far = (model.sample(3, generator(0), truncation=t) for t in (0.01, math.inf))
    assert (near - near[:1]).abs().max() < 0.1 * (far - far[:1]).abs().max()
    assert torch.equal(far, model.sample(3, generator(0)))


def test_a_finished_run_samples_by_the_command_and_judges_as_it_did(digits, tmp_path, capsys):
    run = Run(tiny_gan({"spectral": True, "game": "hinge"}, steps=3, snapshots=0), digits)
    trained(run)
    folder = run.finish(tmp_path / "gan")
    x, y = pictures(), torch.arange(6)
    loaded = weights.load(folder)
    torch.testing.assert_close(loaded.verdict(x, y), run.ema.verdict(x, y), atol=5e-3, rtol=0)
    sample = ["sample", str(folder), "--n", "4", "--out", str(tmp_path / "grid.png"), "--json"]
    assert main([*sample, "--truncation", "0.5", "--label", "3"]) == 0
    assert (tmp_path / "grid.png").is_file()
    capsys.readouterr()
    assert main([*sample, "--truncation", "0"]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and "truncation must be" in said.err and not said.out


# -- what is wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"image": [1, 10, 8]}, "cannot be halved 2 times"),
        ({"game": "wasserstein"}, "slope must be held"),
        ({**CODED, "encoder": True}, "choose one"),
        ({"game": "chess"}, "must be one of minimax"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_sentence(settings, words):
    with pytest.raises(ValueError, match=words) as error:
        weights.build("gan", {**SMALL, **settings})
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_wrong_questions_are_refused_in_one_sentence():
    model = small()
    for t in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="truncation must be a number above 0"):
            model.sample(1, generator(0), truncation=t)
    with pytest.raises(ValueError, match="reads 1x8x8 images"):
        model.verdict(pictures(side=4))
    with pytest.raises(ValueError, match="from 0 to 2"):
        small(num_classes=3).verdict(pictures(), 3)


# -- learning --------------------------------------------------------------------------------------


def far_off(model: GAN, digits: datasets.Dataset) -> float:
    """How far the mean picture of a class is from the data's, over the mean digit's size."""
    made = model.sample(400, generator(9), torch.arange(400) % 10)
    x, total = digits.images.float() / 255, 0.0
    for k in range(10):
        ours, theirs = made[k::10].mean(0), x[digits.labels == k].mean(0)
        total += ((ours - theirs).norm() / theirs.norm()).item() / 10
    return total


def test_it_learns_digits_of_the_class_asked_for(digits):
    run = Run(
        tiny_gan(
            {"width": 16, "hidden": 32, "halvings": 1, "blocks": 0},
            steps=120,
            batch_size=32,
            learning_rate=4e-3,
            beta1=0.0,
            ema=0.95,
            weight_decay=0.0,
            snapshots=0,
        ),
        digits,
    )
    before = far_off(run.ema, digits)
    logs = trained(run)
    after = far_off(run.ema, digits)
    assert before > 0.7 and after < 0.3, (before, after)
    # The discriminator was ahead, and is not any more.
    value = [entry["value"] for entry in logs]
    assert max(value[:40]) > sum(value[-30:]) / 30 > -math.log(4) - 0.2


GANS = [name for name in recipe_names() if load_recipe(name).family == "gan"]


@pytest.mark.parametrize("name", GANS)
def test_a_recipe_says_how_its_players_are_held_and_keeps_little(name):
    recipe = load_recipe(name)
    model = weights.build("gan", {**recipe.model, "num_classes": 0})
    free = not (model.config.r1 or model.config.gradient_penalty or model.config.spectral)
    assert free == name.endswith("collapsed")
    snapshots.check_size(model, recipe.train.snapshots)
