"""A foreign model behind the contract: with a stand-in for its network, and with diffusers."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from models.checkpoints import weights
from models.checkpoints.header import CheckpointError, read_header
from models.contract.abilities import HasSchedule, Noises, Restores
from models.contract.capabilities import capabilities
from models.contract.knobs import named
from models.contract.random import generator, normal
from models.contract.streams import Streams
from models.families.diffusion.schedules import skip_and_out
from models.foreign import folder as folders
from models.foreign.model import Classes, ForeignConfig, ForeignDiffusion, open_folder
from models.foreign.schedulers import scheduler
from tests.models.foreign import reference
from tests.models.foreign.reference import DDIM, DDPM, EDM, FLOW, Case

KINDS = [
    Case("ddpm", DDPM, {"clip_sample": False}),
    Case("cosine", DDIM, {"beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction",
                          "clip_sample": False}),
    Case("edm", EDM),
    Case("flow", FLOW),
]  # fmt: skip
IDS = [case.name for case in KINDS]
SPREAD = 0.3  # deviation of the Gaussian that the stand-in knows


class Exact(nn.Module):
    """What a perfect network says of pictures N(0, SPREAD^2): in place of a UNet2DModel."""

    def __init__(self, process, classes: int = 0) -> None:
        super().__init__()
        self.process = process
        self.table = torch.logspace(-3, 5, 40_000, dtype=torch.float64)
        self.times = process.time(self.table).double()
        self.zero = nn.Parameter(torch.zeros(()))
        self.class_embedding = Classes(nn.Embedding(classes, 4)) if classes else None
        self.mid_block = None

    def forward(self, x, time, class_labels=None, return_dict=True):
        row = torch.searchsorted(self.times, time.double()).clamp(max=len(self.table) - 1)
        level = self.table[row][:, None, None, None]
        x = (x + self.zero) / self.process.scale(level)
        guess = x * SPREAD**2 / (SPREAD**2 + level**2)
        skip, out = skip_and_out(self.process.predicts, level, self.process.sigma_data)
        answer = ((guess - skip * x) / (self.process.sign * out)).float()
        if self.class_embedding is not None:
            answer = answer + 0 * self.class_embedding(class_labels).sum()
        return (answer,)


def exact(case: Case, classes: int = 0) -> ForeignDiffusion:
    settings = folders.scheduler_settings({"_class_name": case.scheduler, **case.settings})
    process = scheduler(settings)
    config = ForeignConfig(
        image=(3, 4, 4), num_classes=classes, low=process.low, high=process.high,
        sigma_data=process.sigma_data,
    )  # fmt: skip
    model = ForeignDiffusion(config, Exact(process, classes), process)
    return model.eval().requires_grad_(False)


# -- with a network that is known ------------------------------------------------------------------


@pytest.mark.parametrize("case", KINDS, ids=IDS)
def test_it_has_the_capabilities_that_its_header_names(case):
    model = exact(case)
    assert set(capabilities(model)) == set(folders.CAPABILITIES)
    assert "Conditional" in capabilities(exact(case, classes=2))
    assert all(isinstance(model, finer) for finer in (HasSchedule, Noises, Restores))


@pytest.mark.parametrize("case", KINDS, ids=IDS)
def test_samples_have_the_spread_that_the_network_knows(case):
    """Noise of every process goes to pictures of the one Gaussian: levels, scales and times fit."""
    for sampler in ("dpm", "heun", "scheduler"):
        x = exact(case).sample(100, generator(0), sampler=sampler, steps=150)
        spread = float((2 * (x - 0.5)).std())
        # The smaller of DDPM's variances is too small for pictures that differ: 6 in 100 here.
        assert spread == pytest.approx(SPREAD, rel=0.08), (sampler, spread)


@pytest.mark.parametrize("case", KINDS, ids=IDS)
def test_a_picture_and_its_code_lead_to_each_other(case):
    model = exact(case)
    x = (0.5 + 0.1 * normal((4, 3, 4, 4), generator(1), "cpu")).clamp(0, 1)
    z = model.encode(x, steps=200)
    assert z.shape == (4, 48)
    torch.testing.assert_close(model.decode(z, steps=200), x, rtol=0, atol=6e-3)


@pytest.mark.parametrize("case", KINDS, ids=IDS)
def test_it_tells_the_picture_under_noise(case):
    model, t = exact(case), 0.5
    x = torch.full((2, 3, 4, 4), 0.5)
    noise = normal(x.shape, generator(2), "cpu")
    level = float(model.schedule.level(torch.tensor(t, dtype=torch.float64)))
    guess = model.denoise(model.noised(x, t, noise), torch.tensor(t))
    want = (0.5 + level * noise * SPREAD**2 / (SPREAD**2 + level**2) / 2).clamp(0, 1)
    torch.testing.assert_close(guess, want, rtol=0, atol=2e-3)
    frames = list(model.restore_steps(model.noised(x, t, noise), t, generator(0), steps=4))
    assert frames[-1].x.shape == x.shape and frames[-1].step == frames[-1].total


def test_its_likelihood_is_that_of_the_gaussian():
    """Nats an image of 8-bit pictures: the density times the width of a grey level, 2 / 255."""
    model = exact(KINDS[0])
    x = (0.5 + SPREAD / 2 * normal((8, 3, 4, 4), generator(3), "cpu")).clamp(0.02, 0.98)
    inside = 2 * ((x * 255).round() / 255 - 0.5)
    normalised = torch.distributions.Normal(0.0, SPREAD).log_prob(inside).flatten(1).sum(1)
    want = normalised + 48 * torch.log(torch.tensor(2 / 255))
    found = model.log_likelihood(x, generator(0), samples=4)
    assert found.kind == "estimate" and found.space == "uint8"
    # A bound: some nats below, of which dequantisation is the larger part.
    gap = (want - found.nats) / 48
    assert -0.02 < float(gap.mean()) < 0.25


def test_a_picture_does_not_depend_on_how_many_are_drawn():
    for sampler in ("dpm", "scheduler", "ddpm"):
        many = exact(KINDS[0]).sample(3, generator(4), sampler=sampler, steps=6)
        few = exact(KINDS[0]).sample(1, generator(4), sampler=sampler, steps=6)
        torch.testing.assert_close(many[:1], few, rtol=0, atol=1e-6)


def test_frames_say_what_frames_of_denoisers_say():
    frames = list(exact(KINDS[3]).sample_steps(2, generator(0), sampler="scheduler", steps=5))
    assert [frame.step for frame in frames] == list(range(6))
    assert [frame.info["evaluations"] for frame in frames] == [1, 2, 3, 4, 5, 5]
    levels = [frame.info["level"] for frame in frames]
    assert levels == sorted(levels, reverse=True) and levels[-1] == 0 and levels[0] < 1e4
    assert all(frame.x.min() >= 0 and frame.x.max() <= 1 for frame in frames)
    assert frames[0].info["z"].shape == (2, 48)


def test_its_knobs_are_those_of_denoisers_without_guidance():
    model = exact(KINDS[0], classes=3)
    knobs = named(model.knobs())
    assert "guidance" not in knobs and "scheduler" in knobs["sampler"].choices
    assert "scheduler" not in named(model.knobs("restore_steps"))["sampler"].choices
    with pytest.raises(ValueError, match="takes no guidance"):
        model.sample(1, generator(0), 0, guidance=2.0, steps=2)
    with pytest.raises(ValueError, match="Classes go from 0 to 2"):
        model.sample(1, generator(0), 3, steps=2)


def test_no_class_is_the_mean_of_all_classes():
    embedding = nn.Embedding(3, 4)
    classes = Classes(embedding)
    given = classes(torch.tensor([0, 2, 3]))
    torch.testing.assert_close(given[:2], embedding.weight[[0, 2]])
    torch.testing.assert_close(given[2], embedding.weight.mean(0))


# -- with diffusers --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def diffusers():
    return pytest.importorskip("diffusers", reason="diffusers is not installed")


def network(channels: int = 3, size: int = 8, classes: int | None = None, **settings):
    from diffusers import UNet2DModel

    torch.manual_seed(0)
    settings = {
        "block_out_channels": (8, 16), "norm_num_groups": 4, "attention_head_dim": 4,
        "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
        "up_block_types": ("AttnUpBlock2D", "UpBlock2D"), **settings,
    }  # fmt: skip
    net = UNet2DModel(
        sample_size=size, in_channels=channels, out_channels=channels, layers_per_block=1,
        num_class_embeds=classes, **settings,
    )  # fmt: skip
    return net.eval().requires_grad_(False)


def pipeline(diffusers, folder, net, case: Case, **saved):
    process = getattr(diffusers, case.scheduler)(**case.settings)
    diffusers.DDPMPipeline(net, process).save_pretrained(folder, **saved)
    return folder


def trajectory(model, case: Case, label=None) -> torch.Tensor:
    """(steps + 1, B, C, H, W): our walk by the opened model, in the range of pictures."""
    z, streams = reference.start((2, *model.image_shape))
    ask = model._network(label, 2)
    moments = model.scheduler.walk(ask, z, case.steps, streams, **case.knobs)
    return torch.stack([moment.scale * moment.x for moment in moments])


@pytest.mark.parametrize("case", reference.CASES, ids=lambda case: case.name)
def test_trajectories_are_those_of_diffusers(diffusers, tmp_path, case):
    net = network()
    model = open_folder(pipeline(diffusers, tmp_path / "it", net, case))
    x, _ = reference.theirs(case, lambda x, t: net(x, t).sample, (2, 3, 8, 8))
    ours = trajectory(model, case)
    z, streams = reference.start((2, 3, 8, 8))
    scales = [
        m.scale for m in model.scheduler.walk(model._network(None, 2), z, case.steps, streams)
    ]
    theirs = torch.stack([scale * there for scale, there in zip(scales, x, strict=True)])
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_pipelines_pictures_are_those_that_it_draws_itself(diffusers, tmp_path, channels):
    """The whole way: DDIMPipeline, of the same generators, and ``sample`` of the opened folder."""
    case = Case("", DDIM, {}, 6)
    folder = pipeline(diffusers, tmp_path / "it", network(channels), case)
    theirs = diffusers.DDIMPipeline.from_pretrained(folder)
    theirs.set_progress_bar_config(disable=True)
    streams = Streams.of(generator(7), 2)
    made = theirs(2, generator=streams.generators, num_inference_steps=6, output_type="np").images
    ours = open_folder(folder).sample(2, generator(7), sampler="scheduler", steps=6)
    want = torch.from_numpy(made).permute(0, 3, 1, 2)
    torch.testing.assert_close(ours, want, rtol=0, atol=1e-4)


def test_classes_are_those_that_the_network_is_asked_for(diffusers, tmp_path):
    case, net = Case("", DDIM, {}, 5), network(1, classes=4)
    model = open_folder(pipeline(diffusers, tmp_path / "it", net, case))
    labels = torch.tensor([1, 3])
    x, _ = reference.theirs(case, lambda x, t: net(x, t, labels).sample, (2, 1, 8, 8))
    torch.testing.assert_close(trajectory(model, case, labels), x, rtol=0, atol=1e-4)
    one, other = (model.sample(1, generator(0), k, steps=3) for k in (0, 1))
    assert not torch.equal(one, other)
    header = read_header(tmp_path / "it")
    assert header.data["classes"] == ["0", "1", "2", "3"]
    assert set(header.capabilities) == set(capabilities(model))


@pytest.mark.parametrize(
    "settings",
    [
        {"time_embedding_type": "learned", "num_train_timesteps": 1000},
        {"time_embedding_type": "fourier"},
        {"down_block_types": ("ResnetDownsampleBlock2D", "DownBlock2D"),
         "up_block_types": ("UpBlock2D", "ResnetUpsampleBlock2D")},
        {"center_input_sample": True, "resnet_time_scale_shift": "scale_shift"},
        {"mid_block_type": None},
    ],
)  # fmt: skip
def test_other_networks_of_the_class_are_opened_too(diffusers, tmp_path, settings):
    kind = settings.get("time_embedding_type")
    case, net = Case("", FLOW if kind == "fourier" else DDPM, {}, 4), network(**settings)
    model = open_folder(pipeline(diffusers, tmp_path / "it", net, case))
    x, _ = reference.theirs(case, lambda x, t: net(x, t).sample, (2, 3, 8, 8))
    torch.testing.assert_close(trajectory(model, case), x, rtol=0, atol=1e-4)
    assert model.embed(normal((2, 192), generator(0), "cpu")).isfinite().all()
    assert model.sample(1, generator(0), steps=2).isfinite().all()


def test_weights_under_their_names_of_before_are_read(diffusers, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = pipeline(diffusers, tmp_path / "it", network(), Case("", DDPM))
    want = open_folder(folder).sample(1, generator(0), steps=3)
    file = folder / "unet" / "diffusion_pytorch_model.safetensors"
    old = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    renamed = {}
    for key, value in load_file(file).items():
        for new, name in old.items():
            key = key.replace(new, name)
        renamed[key] = value
    assert any(".query." in key for key in renamed)
    save_file(renamed, file)
    assert torch.equal(open_folder(folder).sample(1, generator(0), steps=3), want)


def test_half_precision_weights_are_read(diffusers, tmp_path):
    net = network()
    folder = pipeline(diffusers, tmp_path / "it", net.half(), Case("", DDPM), variant="fp16")
    model = open_folder(folder)
    assert next(model.parameters()).dtype == torch.float32
    assert model.sample(1, generator(0), steps=2).isfinite().all()


def test_its_likelihood_takes_gradients_through_the_network(diffusers, tmp_path):
    model = open_folder(pipeline(diffusers, tmp_path / "it", network(1), Case("", DDPM)))
    x = model.sample(1, generator(0), steps=3)
    for method in ("ode", "bound"):
        found = model.log_likelihood(x, generator(0), method=method, tolerance=0.1)
        assert found.nats.isfinite().all()


@pytest.mark.parametrize("broken", ["settings", "shapes", "nan", "blocks", "missing"])
def test_a_network_that_cannot_be_built_is_one_sentence(diffusers, tmp_path, broken):
    from safetensors.torch import load_file, save_file

    folder = pipeline(diffusers, tmp_path / "it", network(), Case("", DDPM))
    file = folder / "unet" / "diffusion_pytorch_model.safetensors"
    settings = json.loads((folder / folders.UNET).read_text())
    tensors = load_file(file)
    if broken == "settings":
        settings["norm_num_groups"] = 7
    elif broken == "blocks":
        settings["down_block_types"] = ["CrossAttnDownBlock2D", "NoBlock"]
    elif broken == "shapes":
        settings["block_out_channels"] = [4, 8]
    elif broken == "nan":
        next(iter(tensors.values())).fill_(torch.nan)
    else:
        tensors.pop("conv_in.weight")
    save_file(tensors, file)
    (folder / folders.UNET).write_text(json.dumps(settings))
    sentence = {
        "settings": "describe none that diffusers", "blocks": "describe none that diffusers",
        "nan": "hold values that are no numbers",
    }.get(broken, "do not fit the network")  # fmt: skip
    with pytest.raises(CheckpointError, match=sentence) as error:
        weights.load(folder)
    assert str(error.value).endswith(".")


def test_the_command_line_samples_it(diffusers, tmp_path):
    from PIL import Image

    from models.__main__ import main

    folder = pipeline(diffusers, tmp_path / "it", network(), Case("", FLOW))
    for more in ([], ["--sampler", "scheduler", "--steps", "3"]):
        out = tmp_path / "grid.png"
        main(["sample", str(folder), "--n", "4", "--out", str(out), "--device", "cpu", *more])
        with Image.open(out) as image:
            assert image.size == (16, 16) and image.mode == "RGB"
        out.unlink()
