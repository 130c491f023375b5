"""Anomaly scores: each against its definition computed another way, and what they are read on."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from models.checkpoints.header import CheckpointError
from models.checkpoints.reference import SCORES_FILE, Reference, read_reference, save_reference
from models.contract.random import generator
from models.data.datasets import Dataset
from models.evaluation import scores
from models.evaluation.scores import aurocs, measure
from models.scores import functions, typical
from models.scores.functions import TIMES, Evidence
from models.scores.registry import SCORES
from models.scores.scores import applicable, score
from tests.conftest import small_vae
from tests.gaussian import Config, Gaussian
from tests.toys import Config as ToyConfig
from tests.toys import Reader

ALL = tuple(name for name in SCORES if name != "ratio")


def as_bytes(x: torch.Tensor) -> torch.Tensor:
    return (x * 255).round().byte()


@pytest.fixture(scope="module")
def model() -> Gaussian:
    return Gaussian().eval()


@pytest.fixture(scope="module")
def x(model) -> torch.Tensor:
    return model.draw(12, generator(1))


@pytest.fixture(scope="module")
def sets(model) -> tuple[Dataset, Dataset]:
    """Training and test images of what the model is the truth about."""
    images = as_bytes(model.draw(260, generator(2)))
    return Dataset("toy", "train", images[:200]), Dataset("toy", "test", images[200:260])


@pytest.fixture(scope="module")
def measured(model, sets) -> Reference:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GENERATIVE_EXPLORER_DATA", raising=False)
        return measure(model, *sets, n=60)


def of(model, x, name, measured=None, background=None, seed=0):
    return score(model, x, [name], generator(seed), measured, background)[name]


# -- each score ------------------------------------------------------------------------------------


def nll(model: Gaussian, x: torch.Tensor) -> np.ndarray:
    truth = stats.multivariate_normal(model.mean, model.covariance)
    return -truth.logpdf(x.flatten(1).double().numpy())


def test_likelihood_and_energy(model, x):
    found = of(model, x, "likelihood")
    assert found.values.numpy() == pytest.approx(nll(model, x), rel=1e-4)
    assert found.likelihood.kind == "exact" and found.likelihood.space == "uint8"
    assert of(model, x, "energy").values.numpy() == pytest.approx(nll(model, x) + 7, rel=1e-4)


def test_what_is_too_likely_is_untypical(model, x, measured):
    entropy = stats.multivariate_normal(model.mean, model.covariance).entropy()
    assert measured.fitted["entropy"] == pytest.approx(entropy, abs=5.0)  # of three images
    found = of(model, x, "typicality", measured)
    expected = np.abs(nll(model, x) - measured.fitted["entropy"])
    assert found.values.numpy() == pytest.approx(expected, rel=1e-3, abs=1e-3)
    likeliest = torch.full_like(x[:1], 0.5)
    assert of(model, likeliest, "likelihood").values < of(model, x, "likelihood").values.min()
    assert of(model, likeliest, "typicality", measured).values > found.values.median()


@pytest.mark.parametrize("black_and_white", [False, True])
def test_complexity_takes_off_the_shorter_code(model, x, black_and_white):
    x = (x > 0.5).float() if black_and_white else x
    expected, saved = [], []
    for pixels in as_bytes(x)[:, 0].numpy():
        image = Image.fromarray(pixels).convert("1" if black_and_white else "L")
        files = [io.BytesIO(), io.BytesIO()]
        image.save(files[0], "PNG", optimize=True)
        image.save(files[1], "WEBP", lossless=True)
        saved.append([8 * len(file.getvalue()) for file in files])
        expected.append(min(saved[-1]) * math.log(2))
    found = of(model, x, "complexity")
    lengths = torch.stack([found.details["png"], found.details["webp"]], 1)
    assert lengths.tolist() == saved
    assert found.values.numpy() == pytest.approx(nll(model, x) - expected, rel=1e-4)


def test_code_lengths_of_noise_colour_and_more_channels():
    from models.scores.code_length import code_lengths

    noise = (torch.rand(2, 3, 16, 16, generator=generator(0)) * 255).round() / 255
    grey = noise[:, :1].expand(-1, 3, -1, -1)
    flat = torch.full_like(noise, 0.5)
    lengths = {
        name: code_lengths(x)["webp"] for name, x in locals().items() if name != "code_lengths"
    }
    assert (lengths["noise"] > 3 * 16 * 16 * 8).all()  # nothing can be saved on noise
    assert (lengths["noise"] > lengths["grey"]).all() and (lengths["grey"] > lengths["flat"]).all()
    five = code_lengths(noise[:, [0, 1, 2, 0, 1]])["png"]
    assert torch.equal(five, sum(code_lengths(noise[:, [c]])["png"] for c in (0, 1, 2, 0, 1)))


def test_ratio_to_a_background(model, x):
    other = Gaussian(Config(seed=5, noise=0.1))
    found = of(model, x, "ratio", background=other)
    assert found.values.numpy() == pytest.approx(nll(model, x) - nll(other, x), rel=1e-3, abs=1e-2)
    assert found.details["background"].numpy() == pytest.approx(nll(other, x), rel=1e-4)
    with pytest.raises(ValueError, match="cannot be compared"):
        of(model, x, "ratio", background=Gaussian(Config(space="binary")))


def test_regret_is_how_far_the_encoder_is_from_the_posterior(model, x, monkeypatch):
    """With a posterior that the fit can reach, the best bound is log p(x) itself."""
    monkeypatch.setattr(functions, "REGRET_STEPS", 150)
    monkeypatch.setattr(functions, "REGRET_DRAWS", 2)
    monkeypatch.setattr(functions, "BOUND_DRAWS", 4000)
    found = of(model, x, "regret")
    std = model.posterior(x)[1].detach()
    # KL(N(m + shift, (stretch s)^2) || N(m, s^2)), summed over the two numbers of a code
    kl = (0.5 * (2.0**2 + (0.3 / std) ** 2 - 1) - math.log(2.0)).sum()
    assert found.values.numpy() == pytest.approx(np.full(len(x), float(kl)), rel=0.1)
    assert float(found.values.mean()) == pytest.approx(float(kl), rel=0.02)
    assert found.details["fitted_bound"].numpy() == pytest.approx(-nll(model, x), abs=0.3)
    # Where the encoder is right, nothing is gained; Adam strays from it a little.
    right = of(Gaussian(Config(shift=0.0, stretch=1.0)), x, "regret").values
    assert right.max() < 0.05 and right.min() > -0.5


def test_regret_leaves_the_model_as_it_is(x):
    vae = small_vae()
    before = {key: value.clone() for key, value in vae.state_dict().items()}
    with torch.no_grad():  # as a page calls it
        found = of(vae, x, "regret")
    assert all(torch.equal(before[key], value) for key, value in vae.state_dict().items())
    assert all(p.grad is None for p in vae.parameters()) and not found.values.requires_grad


def test_reconstruction(model, x):
    W = model.W.detach().numpy()
    away = (x.flatten(1).numpy() - 0.5).astype(np.float64)
    scale = (W**2).sum(0)
    back = away @ W / (scale + 0.05**2) @ W.T
    expected = ((away - back) ** 2).sum(1)
    assert of(model, x, "reconstruction").values.numpy() == pytest.approx(expected, rel=1e-3)


def test_denoising_error_is_what_the_best_denoiser_leaves(model, x, measured):
    """E |x - D(x + t n)|^2 = |(1 - G) a|^2 + t^2 tr G^2, a = x - mean, G Wiener's filter."""
    copies = x[:1].expand(1500, -1, -1, -1)
    found = of(model, copies, "denoising")
    away, C = x[0].flatten().double().numpy() - 0.5, model.covariance
    expected = []
    for t in TIMES:
        G = C @ np.linalg.inv(C + t**2 * np.eye(len(C)))
        expected.append(((away - G @ away) ** 2).sum() + t**2 * np.trace(G @ G))
        assert float(found.details[f"error_{t:g}"].mean()) == pytest.approx(expected[-1], rel=0.05)
    assert float(found.values.mean()) == pytest.approx(np.mean(expected), rel=0.05)
    mean, std = measured.fitted["denoising_mean"], measured.fitted["denoising_std"]
    known = of(model, x, "denoising", measured)
    errors = np.stack([known.details[f"error_{t:g}"].numpy() for t in TIMES])
    z = ((errors - mean[:, None]) / std[:, None]).mean(0)
    assert known.values.numpy() == pytest.approx(z, rel=1e-3, abs=1e-3)


def test_several_is_a_kernel_density_of_the_statistics(model, x, sets, measured):
    """scipy's, which scales its kernel by the data's covariance, is the same but for a constant."""
    train = as_floats(sets[0].images)
    fitted = fit_of(model, train)
    points = np.stack(list(fitted.values()), 1).astype(np.float64)
    whole = Reference((), "", {}, typical.fit(fitted), tuple(fitted))
    found = of(model, x, "several", whole)
    asked = Evidence(model, x, generator(0), whole)
    at = np.stack([v.double().numpy() for v in typical.statistics(asked).values()], 1)
    density = stats.gaussian_kde(((points - points.mean(0)) / points.std(0)).T)
    expected = -density.logpdf(((at - points.mean(0)) / points.std(0)).T)
    difference = found.values.numpy() - expected
    assert difference == pytest.approx(np.full(len(x), difference.mean()), abs=0.02)
    # Each statistic is told in standard deviations.
    z = (at - points.mean(0)) / points.std(0)
    told = np.stack([v.numpy() for v in found.details.values()], 1)
    assert told == pytest.approx(z, abs=1e-3)


def as_floats(images: torch.Tensor) -> torch.Tensor:
    return images.float() / 255


def fit_of(model, x) -> dict[str, np.ndarray]:
    found = typical.statistics(Evidence(model, x, generator(0)))
    return {name: values.numpy() for name, values in found.items()}


def test_statistics_are_those_that_a_model_has(model, x):
    assert list(fit_of(small_vae(), x)) == [
        "code_length", "nll", "kl", "log_spread", "log_reconstruction",
    ]  # fmt: skip
    assert list(fit_of(model, x)) == [
        "code_length", "energy", *(f"log_error_{t:g}" for t in TIMES),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="too few"):
        typical.fit(fit_of(model, x[:5]))


# -- all of them -----------------------------------------------------------------------------------


def test_maps_sum_to_their_scores(model, x, measured):
    other = Gaussian(Config(seed=5))
    found = score(model, x, SCORES, generator(0), measured, other)
    assert tuple(found) == tuple(SCORES)
    mapped = {name for name, s in found.items() if s.per_pixel is not None}
    assert mapped == {"likelihood", "ratio", "regret", "reconstruction", "denoising"}
    for name in mapped:
        assert found[name].per_pixel.shape == x.shape
        total = found[name].per_pixel.sum((1, 2, 3))
        assert torch.allclose(total, found[name].values, rtol=1e-3, atol=1e-3), name
    for scored in found.values():
        assert scored.values.shape == (len(x),) and scored.values.dtype == torch.float32
        assert all(detail.shape == (len(x),) for detail in scored.details.values())


def test_the_same_generator_gives_the_same_values_whatever_else_is_asked(x, measured, model):
    together = score(model, x, ALL, generator(3), measured)
    for name in ALL:
        assert torch.equal(of(model, x, name, measured, seed=3).values, together[name].values), name
    vae = small_vae()
    first, again = (of(vae, x, "likelihood", seed=4).values for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, of(vae, x, "likelihood", seed=5).values)


def test_a_picture_of_nothing_like_it_is_stranger_by_every_score(model, x, measured):
    strange = torch.rand(x.shape, generator=generator(7))
    for name in ALL:
        usual = of(model, x, name, measured).values
        if name != "regret":  # this model's encoder is off by the same, whatever it is shown
            assert of(model, strange, name, measured).values.min() > usual.max(), name


def test_binary_models_are_asked_of_one_binary_picture(x):
    vae = small_vae()
    evidence = Evidence(vae, x, generator(0))
    assert set(evidence.x.unique().tolist()) == {0.0, 1.0}
    found = score(vae, x, ["likelihood", "complexity", "reconstruction"], generator(0))
    bits = torch.stack([found["complexity"].details[name] for name in ("png", "webp")]).amin(0)
    expected = found["likelihood"].values - math.log(2) * bits
    assert torch.allclose(found["complexity"].values, expected)
    back = vae.decode(vae.encode(evidence.x)) - evidence.x
    assert torch.allclose(found["reconstruction"].values, back.square().sum((1, 2, 3)))


def test_what_applies_and_what_is_refused(model, x, measured):
    assert applicable(model) == (
        "likelihood", "complexity", "regret", "reconstruction", "denoising", "energy",
    )  # fmt: skip
    assert applicable(model, measured) == ALL
    assert applicable(model, measured, Gaussian()) == tuple(SCORES)
    assert applicable(small_vae()) == ("likelihood", "complexity", "regret", "reconstruction")
    reader = Reader(ToyConfig(image=(1, 4, 4)))
    assert applicable(reader, measured) == ()
    for name, told, words in (
        ("oddness", model, "no score 'oddness'"),
        ("likelihood", reader, "no score 'likelihood'. It has: none"),
        ("several", model, "not measured yet"),
        ("typicality", model, "not measured yet"),
        ("ratio", model, "needs a background model"),
    ):
        with pytest.raises(ValueError, match=words):
            of(told, x, name)
    with pytest.raises(ValueError, match="reads 1x4x4 images"):
        of(model, torch.zeros(1, 1, 5, 5), "likelihood")
    with pytest.raises(ValueError, match="other statistics"):
        of(small_vae(), x, "several", measured)


def test_the_centre_of_surprise_is_where_it_is():
    surprise = torch.zeros(3, 1, 5, 9)
    surprise[0, 0, 0, 8] = 3.0  # top right
    surprise[1, 0, 2, 4], surprise[1, 0, 0, 0] = 7.0, -100.0  # the middle; less than none elsewhere
    surprise[2, 0, 4, 0], surprise[2, 0, 4, 4] = 1.0, 3.0
    found = typical.centre(surprise)
    assert found["centre_row"].tolist() == pytest.approx([-1, 0, 1], abs=1e-3)
    assert found["centre_column"].tolist() == pytest.approx([1, 0, -0.25], abs=1e-3)


def test_several_reads_what_was_measured_though_a_model_says_more_by_now(model, x, measured):
    names = measured.statistics[:-1]
    numbers = typical.statistics(Evidence(model, x.repeat(3, 1, 1, 1), generator(1)))
    earlier = dataclasses.replace(
        measured, statistics=names, fitted=typical.fit({k: numbers[k].numpy() for k in names})
    )
    found = of(model, x, "several", earlier)
    assert tuple(found.details) == names and torch.isfinite(found.values).all()


# -- the reference ---------------------------------------------------------------------------------


def test_what_is_measured(measured, model, sets):
    assert measured.default == "several" and measured.scores == ALL
    assert measured.sets == ("train", "test", "shapes", "noise", "constant", "flipped")
    for name in ALL:
        for set in measured.sets:
            assert measured.values(name, set).shape == (60,), (name, set)
            assert measured.values(name, set).dtype == np.float32
    test = as_floats(sets[1].images)
    assert measured.values("energy", "test") == pytest.approx(nll(model, test) + 7, rel=1e-3)
    flipped = nll(model, test.flip(2)) + 7
    assert measured.values("energy", "flipped") == pytest.approx(flipped, rel=1e-3)


def test_a_small_set_is_filled_with_its_other_half(monkeypatch):
    """Omniglot's test letters are 807; nothing of that set was trained on, so the rest serves."""
    held = {"test": 30, "train": 50}

    def load(name: str, split: str, folder) -> Dataset:
        level = 200 if split == "test" else 100
        return Dataset(name, split, torch.full((held[split], 1, 28, 28), level, dtype=torch.uint8))

    monkeypatch.setattr(scores.datasets, "available", lambda name, folder: name != "mnist")
    monkeypatch.setattr(scores.datasets, "load", load)
    own = Dataset("mnist", "test", torch.zeros(60, 1, 28, 28, dtype=torch.uint8))
    found = dict(scores.other_sets(own, None, 60, 0))
    assert len(found["omniglot-small"]) == 60
    assert found["omniglot-small"].amax((1, 2, 3)).tolist() == [200] * 30 + [100] * 30
    assert len(dict(scores.other_sets(own, None, 20, 0))["omniglot-small"]) == 20


def test_aurocs_are_against_the_models_own_test_images(measured):
    found = aurocs(measured)
    assert len(found) == len(ALL) * 4
    entry = found["auroc.several.noise"]
    assert entry["value"] > 0.99 and entry["n"] == 60
    a, b = measured.values("energy", "flipped"), measured.values("energy", "test")
    u = stats.mannwhitneyu(a, b).statistic / (len(a) * len(b))
    assert found["auroc.energy.flipped"]["value"] == pytest.approx(u)
    assert found["auroc.energy.flipped"]["stderr"] > 0


def test_nothing_is_fitted_on_test_images_nor_measured_on_what_was_fitted(
    model, sets, measured, monkeypatch
):
    monkeypatch.delenv("GENERATIVE_EXPLORER_DATA", raising=False)
    train, test = sets
    seen: dict[str, list] = {}
    original = scores._batches

    def watched(images, model, what, *others):
        seen.setdefault(what, []).append(images)
        return original(images, model, what, *others)

    monkeypatch.setattr(scores, "_batches", watched)
    other = measure(model, train, Dataset("toy", "test", 255 - test.images), n=60)
    assert other.fitted.keys() == measured.fitted.keys()
    for name, array in measured.fitted.items():
        assert np.array_equal(other.fitted[name], array), name

    def rows(what: str) -> set:
        return {image.numpy().tobytes() for image in seen[what][0]}

    fitted, shown = rows("scores, fit"), rows("scores, train")
    everything = {image.numpy().tobytes() for image in train.images}
    assert len(fitted) == len(shown) == 60 and not fitted & shown
    assert fitted | shown <= everything


def test_a_reference_is_kept_without_pickle_and_read_without_torch(measured, tmp_path):
    assert read_reference(tmp_path) is None
    file = save_reference(measured, tmp_path)
    assert file.name == SCORES_FILE
    header = int.from_bytes(file.read_bytes()[:8], "little")
    assert set(json.loads(file.read_bytes()[8 : 8 + header])) > {"__metadata__"}
    again = read_reference(tmp_path)
    assert (again.sets, again.default) == (measured.sets, measured.default)
    assert again.statistics == measured.statistics and again.scores == measured.scores
    for key, array in measured.measured.items():
        assert np.array_equal(again.measured[key], array)
    for key, array in measured.fitted.items():
        assert np.array_equal(again.fitted[key], array)
    code = (
        "import sys; from models.checkpoints.reference import read_reference\n"
        "from models.scores.registry import SCORES\n"
        f"print(len(read_reference({str(tmp_path)!r}).sets), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["6", "False"]


def test_a_damaged_reference_is_told_in_a_sentence(measured, tmp_path):
    file = save_reference(measured, tmp_path)
    content = file.read_bytes()
    for damaged in (content[:100], b"", content.replace(b'"sets"', b'"fets"')):
        file.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="is damaged; measure it again"):
            read_reference(tmp_path)


def test_percentiles(measured):
    values = np.array([1, 2, 2, 4], np.float32)
    kept = Reference(("test",), "energy", {("energy", "test"): values})
    at = np.array([0.0, 1.0, 2.0, 3.0, 9.0])
    expected = [stats.percentileofscore(values, v, "mean") for v in at]
    assert kept.percentile("energy", at) == pytest.approx(expected)
    with pytest.raises(ValueError, match="'regret' was not measured on 'test'"):
        kept.percentile("regret", at)
