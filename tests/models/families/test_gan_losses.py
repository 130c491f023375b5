"""Games and penalties against mathematics done another way."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from models.contract.random import generator
from models.families.gan.losses import GAMES, gradient_penalty, r1

# -- the games -------------------------------------------------------------------------------------

P, Q = torch.distributions.Normal(0.0, 1.0), torch.distributions.Normal(1.5, 0.7)


def quantiles(distribution, n: int = 1000) -> torch.Tensor:
    """Numbers that stand for a distribution, each for 1/n of it: means over them are integrals."""
    return distribution.icdf((torch.arange(n) + 0.5) / n)[:, None]


def best_answer(game: str) -> tuple[torch.Tensor, torch.Tensor, float]:
    """x, the verdicts there of a network trained to answer Q where P is real, and its loss."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    real, made = quantiles(P), quantiles(Q)
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=80, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = GAMES[game].discriminator(net(real), net(made))
        value.backward()
        return value

    optimizer.step(loss)
    x = torch.linspace(-2, 3, 101)
    with torch.no_grad():
        return x, net(x[:, None])[:, 0], float(GAMES[game].discriminator(net(real), net(made)))


def densities(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return P.log_prob(x).exp(), Q.log_prob(x).exp()


def integral(values: torch.Tensor, x: torch.Tensor) -> float:
    return float(torch.trapezoid(values, x))


def test_the_best_discriminator_is_p_over_p_plus_q_and_its_value_a_jensen_shannon_divergence():
    x, d, loss = best_answer("minimax")
    p, q = densities(x)
    torch.testing.assert_close(d.sigmoid(), p / (p + q), atol=0.02, rtol=0)
    wide = torch.linspace(-10, 10, 20_001, dtype=torch.float64)
    p, q = densities(wide)
    m = (p + q) / 2
    js = integral(torch.xlogy(p, p / m) + torch.xlogy(q, q / m), wide) / 2
    assert 0.2 < js < math.log(2)
    assert -loss == pytest.approx(2 * js - math.log(4), abs=2e-3)


def test_the_best_least_squares_discriminator_gives_pearsons_chi_squared():
    x, d, loss = best_answer("least-squares")
    p, q = densities(x)
    torch.testing.assert_close(d, (p - q) / (p + q), atol=0.03, rtol=0)
    wide = torch.linspace(-10, 10, 20_001, dtype=torch.float64)
    p, q = densities(wide)
    # E_q d^2 + E_p d^2 at the best d is the chi squared of p + q and 2 q over the two.
    chi = integral((p - q).square() / (p + q), wide)
    assert loss == pytest.approx(2 - chi, abs=2e-3)


def test_the_best_hinge_verdicts_are_signs_and_their_value_a_total_variation():
    x, d, loss = best_answer("hinge")
    p, q = densities(x)
    sure = (p - q).abs() > 0.05
    assert (d[sure].sign() == (p - q)[sure].sign()).all()
    wide = torch.linspace(-10, 10, 20_001, dtype=torch.float64)
    p, q = densities(wide)
    assert loss == pytest.approx(2 * integral(torch.minimum(p, q), wide), abs=0.01)


def test_generators_losses_where_the_discriminator_is_sure():
    d = torch.tensor([-20.0], requires_grad=True)  # D(G(z)) is nearly 0
    slope = {name: torch.autograd.grad(game.generator(d), d)[0] for name, game in GAMES.items()}
    assert abs(float(slope["minimax"])) < 1e-6, "it saturates"
    assert float(slope["nonsaturating"]) == pytest.approx(-1)
    assert float(slope["hinge"]) == float(slope["wasserstein"]) == -1
    for name, game in GAMES.items():
        d = torch.linspace(-0.9, 0.9, 7)
        losses = [float(game.generator(value[None])) for value in d]
        if name != "least-squares":  # whose generator wants the middle
            assert losses == sorted(losses, reverse=True), name
        assert float(game.generator(torch.zeros(3))) == pytest.approx(
            {"minimax": -math.log(2), "nonsaturating": math.log(2)}.get(name, 0), abs=1e-6
        )


def test_minimax_is_a_game_for_one_number():
    real, made = torch.randn(50, generator=generator(0)), torch.randn(50, generator=generator(1))
    value = (real.sigmoid().log() + (1 - made.sigmoid()).log()).mean()
    assert -GAMES["minimax"].discriminator(real, made) == pytest.approx(float(value), abs=1e-6)
    assert GAMES["minimax"].generator(made) == pytest.approx(
        float((1 - made.sigmoid()).log().mean()), abs=1e-6
    )


def test_the_mirrored_verdict_is_what_an_encoder_loses_by():
    """It wants real pictures taken for made ones: where a game is for one number, so that one's
    gain is the other's loss, generator and encoder together undo all that the discriminator won."""
    real, made = torch.linspace(-3, 3, 13), torch.linspace(-2, 4, 13).flip(0)
    for name, game in GAMES.items():
        won = game.discriminator(real, made)
        # Which side is called real is a matter of sign.
        assert game.discriminator(-made, -real).item() == pytest.approx(won.item(), abs=1e-6), name
        if name in ("minimax", "wasserstein"):
            lost = game.generator(made) + game.generator(-real)
            assert lost.item() == pytest.approx(-won.item(), abs=1e-6), name


@pytest.mark.parametrize("distance", [0.5, 3.0])
def test_a_critics_value_on_two_shifted_points_is_their_distance(distance):
    """W of two points is how far apart they are: where a probability has long been sure. A slope s
    between them earns s distance - weight (s - 1)^2, most at 1 + distance / (2 weight)."""
    weight = 50.0
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))
    real = torch.zeros(64, 2)
    made = real + distance * torch.tensor([0.6, 0.8])
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    for step in range(400):
        d = [net(x)[:, 0] for x in (real, made)]
        game = GAMES["wasserstein"].discriminator(*d)
        held = gradient_penalty(lambda x: net(x)[:, 0], [real], [made], generator(step))
        optimizer.zero_grad()
        (game + weight * held).backward()
        optimizer.step()
    assert -game.item() == pytest.approx(distance * (1 + distance / (2 * weight)), rel=0.03)


# -- penalties -------------------------------------------------------------------------------------


def test_a_penalty_moves_weights_as_finite_differences_say():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    x, made = torch.randn(2, 5, 3, dtype=torch.float64, generator=generator(3)).unbind()
    weight = net[0].weight
    for penalty in (
        lambda: r1(lambda x: net.float()(x)[:, 0], x),
        lambda: gradient_penalty(lambda x: net.float()(x)[:, 0], [x], [made], generator(4)),
    ):
        slope = torch.autograd.grad(penalty(), weight)[0][1, 2]
        values = []
        for step in (1e-2, -1e-2):
            with torch.no_grad():
                weight[1, 2] += step
            values.append(penalty().item())
            with torch.no_grad():
                weight[1, 2] -= step
        assert slope.item() == pytest.approx((values[0] - values[1]) / 2e-2, rel=0.02, abs=1e-4)


def test_the_gradient_penalty_by_hand():
    slope = torch.tensor([3.0, -4.0])  # a linear critic has it everywhere: (5 - 1)^2
    found = gradient_penalty(
        lambda x: x @ slope, [torch.zeros(4, 2)], [torch.ones(4, 2)], generator(0)
    )
    assert found.item() == pytest.approx(16, rel=1e-5)
    # Of |x|^2 / 2 the gradient is x itself: it tells where the penalty is measured.
    a, b = torch.full((2000, 1), 2.0), torch.full((2000, 1), 4.0)
    found = gradient_penalty(lambda x: x.square().sum(1) / 2, [a], [b], generator(0))
    assert found.item() == pytest.approx(26 / 6, rel=0.05)  # mean of (u - 1)^2, u in [2, 4]
