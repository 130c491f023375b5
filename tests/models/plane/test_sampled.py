"""The plane's methods that sample: against densities, scores and paths that are known.

A method whose network is replaced by the truth must do what its paper says; and a network that
was trained for a moment must have come near the truth.
"""

import math

import pytest
import torch

from models.contract.random import generator
from models.plane import contract, data, energy, gan, ode, one_step
from models.plane.data import dataset
from models.plane.ddpm import ALPHA_BAR, DDPM
from models.plane.flow_matching import FlowMatching
from models.plane.gan_minimax import MinimaxGAN
from models.plane.gan_wasserstein import WassersteinGAN
from models.plane.run import Run
from models.plane.score import DenoisingScore
from models.plane.score_sliced import SlicedScore

MIXTURE = data.mixture(means=((-1.0, 0.5), (1.2, -0.4)), widths=(0.5, 0.4), weights=(0.3, 0.7))


def moments_of(x):
    return x.mean(0), torch.cov(x.T)


def assert_is_the_mixture(x, atol=0.08):
    mean = (MIXTURE.weights[:, None] * MIXTURE.means).sum(0)
    apart = MIXTURE.means - mean
    covariance = (
        MIXTURE.weights[:, None, None] * (MIXTURE.covariances + apart[:, :, None] * apart[:, None])
    ).sum(0)
    got_mean, got_covariance = moments_of(x)
    assert torch.allclose(got_mean, mean, atol=atol)
    assert torch.allclose(got_covariance, covariance, atol=atol)
    right = float((torch.cdist(x, MIXTURE.means).argmin(1) == 1).float().mean())
    assert right == pytest.approx(0.7, abs=0.05)


# -- samplers that are told the truth --------------------------------------------------------------


def true_score(monkeypatch):
    """A score model whose network knows the mixture: all points of a call have one level."""
    method = DenoisingScore()
    method.prepare(MIXTURE.sample(4000, generator(9)), generator(0))

    def scaled(x, sigma):
        return sigma[:, None] * MIXTURE.score(x, 1.0, float(sigma[0]))

    monkeypatch.setattr(method, "scaled", scaled)
    return method


def true_diffusion(monkeypatch, **settings):
    method = DDPM(DDPM.Config(**settings))

    def noise(x, k):
        low = int(k)
        alpha_bar = float(ALPHA_BAR[low])
        if k > low:  # in log sigma, as a density is followed
            alpha_bar += (k - low) * float(ALPHA_BAR[low + 1] - ALPHA_BAR[low])
        s = math.sqrt(1 - alpha_bar)
        return -s * MIXTURE.score(x, math.sqrt(alpha_bar), s)

    monkeypatch.setattr(method, "noise", noise)
    return method


class TrueVelocity(torch.nn.Module):
    def forward(self, x, t):
        t = min(float(t), 0.999)
        return (MIXTURE.posterior_mean(x, t, 1 - t) - x) / (1 - t)


def true_flow():
    method = FlowMatching()
    method.net = TrueVelocity()
    return method


def test_annealed_langevin_by_the_true_score(monkeypatch):
    # Chains that are led down in so few steps stay a little too wide.
    assert_is_the_mixture(true_score(monkeypatch).sample(4000, generator(0)), atol=0.15)


@pytest.mark.parametrize("settings", [{"sampler": "ddpm", "steps": 100}, {"sampler": "ddim"}])
def test_diffusion_by_the_true_score(monkeypatch, settings):
    assert_is_the_mixture(true_diffusion(monkeypatch, **settings).sample(4000, generator(0)))


def test_the_flow_by_the_true_velocity():
    assert_is_the_mixture(true_flow().sample(4000, generator(0)))


def test_densities_by_the_truth_are_the_truth(monkeypatch):
    x = MIXTURE.sample(60, generator(7))
    flow = true_flow().log_density(x)
    assert torch.allclose(flow, MIXTURE.log_density(x), atol=0.03)
    noisy = data.mixture(
        means=((-1.0, 0.5), (1.2, -0.4)),
        widths=(math.hypot(0.5, 0.05), math.hypot(0.4, 0.05)),
        weights=(0.3, 0.7),
    )
    score = true_score(monkeypatch).log_density(x)
    assert torch.allclose(score, noisy.log_density(x), atol=0.1)
    diffusion = true_diffusion(monkeypatch).log_density(x)
    error = (diffusion - MIXTURE.log_density(x)).abs()  # of the steps; most where points are rare
    assert float(error.mean()) < 0.08 and float(error.max()) < 0.4


def test_the_divergence_is_the_jacobians_trace():
    net = FlowMatching(FlowMatching.Config(width=16)).net
    x = torch.randn(5, 2, generator=generator(1))
    v, divergence = ode.with_divergence(net, x, 0.3)
    for k in range(5):
        jacobian = torch.autograd.functional.jacobian(lambda p: net(p[None], 0.3)[0], x[k])
        assert float(divergence[k]) == pytest.approx(float(jacobian.trace()), abs=1e-5)
    assert torch.equal(v, net(x, 0.3))


# -- scores that were learned ----------------------------------------------------------------------


def trained(key, steps, **settings):
    points = dataset("mixture", means=MIXTURE.means.tolist(), widths=[0.5, 0.4], weights=[0.3, 0.7])
    run = Run(
        key, points, {"width": 48, "depth": 2, "batch": 128, "learning_rate": 4e-3, **settings}
    )
    for _ in range(steps):
        run.advance()
    return run.shown


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "settings"),
    [("score", {"lowest": 0.2}), ("score-sliced", {"lowest": 0.2}), ("ddpm", {})],
)
def test_a_learned_score_is_near_the_true_one(key, settings):
    method = trained(key, 500, **settings)
    for t in (0.0, 0.4, 0.8):
        a, s = method.corruption(t)
        # Where there are points: elsewhere nobody says what it should be.
        clean = MIXTURE.sample(500, generator(2))
        x = a * clean + s * torch.randn(clean.shape, generator=generator(3))
        error = method.field(x, t) - MIXTURE.score(x, a, s)
        # A guess of zero is wrong by 1 in these units, whatever the level.
        assert float((s * error).square().sum(1).mean().sqrt()) < 0.3, t


def test_slices_are_the_scores_own_loss():
    """Sliced and denoising losses differ by a constant of the data alone (Vincent 2011)."""
    sliced, denoising = SlicedScore(), DenoisingScore()
    differences = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        for parameter in sliced.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
        denoising.load_state_dict(sliced.state_dict())
        clean = MIXTURE.sample(50_000, generator(4))
        noise = torch.randn(clean.shape, generator=generator(5))
        sigma = torch.full((len(clean),), 0.7)
        by_slices = sliced.loss(clean + 0.7 * noise, sigma, noise, generator(6))
        by_noise = denoising.loss(clean + 0.7 * noise, sigma, noise, generator(6))
        differences.append(float((by_slices - 0.5 * by_noise).detach()))
    assert differences[0] == pytest.approx(differences[1], abs=0.06)


@pytest.mark.slow
def test_a_flow_that_was_learned_sums_to_one_and_fits():
    method = trained("flow-matching", 500)
    cells = contract.grid(80)
    log_q = method.log_density(cells)
    area = (8 / 80) ** 2
    assert float(log_q.exp().sum() * area) == pytest.approx(1, abs=0.02)
    log_p = MIXTURE.log_density(cells)
    assert float((log_p.exp() * (log_p - log_q)).sum() * area) < 0.12


# -- a game ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_best_critic_is_learned():
    """Against a generator that stands still: z itself, N(0, I)."""
    points = dataset("mixture", means=[[0.5, 0.0]], widths=[0.8], weights=[1.0], n=5000)
    run = Run("gan", points, {"generator_steps": 1, "depth": 2, "batch": 512})
    run.model.generator = torch.nn.Identity()
    params = list(run.model.discriminator.parameters())
    adam = torch.optim.Adam(params, lr=3e-3)
    rng = generator(0)
    for _ in range(500):
        real = points.density.sample(512, rng)
        loss = run.model.critic_loss(real, torch.randn(512, 2, generator=rng), rng)
        adam.zero_grad()
        loss.backward(inputs=params)
        adam.step()
    x = contract.grid(16, (-1.5, 2.0))
    log_q = -0.5 * x.square().sum(1) - math.log(2 * math.pi)
    best = torch.sigmoid(points.density.log_density(x) - log_q)
    assert float((run.model.critic(x) - best).abs().mean()) < 0.04


@pytest.mark.parametrize("key", ["gan-minimax", "gan", "gan-wasserstein"])
def test_a_part_of_a_step_moves_its_player_alone(key):
    run = Run(key, dataset("ring", 200), {"width": 16, "critic_steps": 2, "generator_steps": 3})
    order = []
    for _ in range(5):
        before = {name: p.clone() for name, p in run.model.named_parameters()}
        order.append(run.part())
        moved = {
            name.split(".")[0]
            for name, p in run.model.named_parameters()
            if not torch.equal(p, before[name])
        }
        assert moved == {order[-1]}
    assert order == 2 * ["discriminator"] + 3 * ["generator"] and run.step == 1


def test_a_push_is_downhill_for_the_generator():
    torch.manual_seed(0)
    for method in (gan.GAN(), MinimaxGAN(), WassersteinGAN()):
        made = method.sample(64, generator(1))
        push = method.extras(torch.zeros(64, 2), generator(1))["push"]
        assert float(push.norm(dim=1).max()) <= 0.5
        before = method.generator_loss(method.verdict(made)).mean()
        after = method.generator_loss(method.verdict(made + 0.05 * push)).mean()
        assert float(after.detach()) < float(before.detach())


def test_the_generators_area_is_the_jacobians_determinant():
    torch.manual_seed(0)
    method = gan.GAN(gan.Config(width=16))
    stages, log_det = method.mesh()
    z = stages[0, 3, 5]
    jacobian = torch.autograd.functional.jacobian(method.generator, z)
    wanted = float(torch.linalg.slogdet(jacobian).logabsdet)
    assert float(log_det[1, 3, 5]) == pytest.approx(wanted, abs=1e-4)


# -- an energy -------------------------------------------------------------------------------------


def test_langevin_chains_have_the_right_temperature():
    """In a quadratic energy: a Gaussian, wider by what a step of this size adds."""
    method = energy.Energy(energy.Config(stride=0.2, steps=300, wide=1.0))
    for parameter in method.net.parameters():
        torch.nn.init.zeros_(parameter)
    x = method.sample(2000, generator(0))
    assert torch.allclose(x.mean(0), torch.zeros(2), atol=0.08)
    variance = 1 / (1 - 0.2**2 / 4)
    assert torch.allclose(torch.cov(x.T), variance * torch.eye(2), atol=0.12)
    log_p = -0.5 * x.square().sum(1) - math.log(2 * math.pi)
    assert torch.allclose(method.log_density(x), log_p, atol=1e-4)


def test_jumps_leave_the_density_as_it_is_and_reach_all_of_it():
    torch.manual_seed(0)
    method = energy.Energy(energy.Config(width=16))
    for parameter in method.net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    rng = generator(0)
    x = torch.full((4000, 2), 1.0)
    for _ in range(40):
        x = method.jump(x, rng)
    cells = contract.grid(160, (-8.0, 8.0))
    p = method.log_density(cells).double().exp() * 0.1**2
    mean = (p[:, None] * cells).sum(0)
    spread = (p[:, None] * (cells - mean).square()).sum(0)
    assert torch.allclose(x.double().mean(0), mean, atol=0.15)
    assert torch.allclose(x.double().var(0), spread, rtol=0.1)


def test_the_two_phases_are_the_gradient_of_the_likelihood():
    """With chains that are samples of the model, here drawn from the grid."""
    torch.manual_seed(0)
    method = energy.Energy(energy.Config(width=16, chains=2048, langevin=1, jumps=1))
    cells = contract.grid(160, (-8.0, 8.0))
    chances = method.log_density(cells).exp()
    method.chains.copy_(cells[torch.multinomial(chances, 2048, True, generator=generator(0))])
    data_points = MIXTURE.sample(2048, generator(1))
    part = next(method.objectives(data_points, generator(2)))
    phases = torch.autograd.grad(part.loss, part.params)
    tied = -method.tied(cells)
    log_z = tied.logsumexp(0)
    exact = torch.autograd.grad((method.tied(data_points).mean() + log_z), part.params)
    one = torch.cat([g.flatten() for g in phases])
    other = torch.cat([g.flatten() for g in exact])
    assert float(torch.cosine_similarity(one, other, dim=0)) > 0.98


# -- a student -------------------------------------------------------------------------------------


def test_the_student_starts_as_one_step_of_its_teacher():
    run = Run("one-step", dataset("ring", 200), {"width": 16, "teacher_steps": 5})
    for _ in range(5):
        assert run.part() == "teacher"
    model, x = run.model, torch.randn(9, 2, generator=generator(0))
    assert torch.allclose(model.map(x, 0.2, 0.7), x + 0.5 * model.teacher.field(x, 0.2), atol=1e-6)
    assert run.part() == "student"


def test_a_student_of_a_known_flow_goes_where_that_goes():
    """A teacher that carries N(0, 1) to N(m, w^2) along straight lines: x -> m + w x."""
    torch.manual_seed(0)
    student = one_step.OneStep(one_step.Config(width=32, depth=2))
    m, w = torch.tensor([1.0, -0.5]), 0.5

    class Straight(torch.nn.Module):
        def forward(self, x, t):
            t = torch.as_tensor(t).expand(len(x))[:, None]
            return m + (w - 1) * (x - t * m) / (1 + t * (w - 1))

    student.teacher.net = Straight()
    adam = torch.optim.Adam(student.student.parameters(), lr=3e-3)
    rng = generator(0)
    for _ in range(300):
        x = m + w * torch.randn(256, 2, generator=rng)
        adam.zero_grad()
        student.loss(x, rng).backward()
        adam.step()
    z = torch.randn(500, 2, generator=rng)
    error = student.map(z, 0.0, 1.0) - (m + w * z)
    assert float(error.square().sum(1).mean().sqrt()) < 0.15
