"""A film shows what the model makes: frame by frame, and of the right kind."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

from models.__main__ import main
from models.checkpoints import snapshots
from models.checkpoints.film import FILM, read_film
from models.checkpoints.weights import load
from models.contract.random import generator, normal, uniform
from models.contract.streams import Streams
from models.evaluation.film import MOMENTS, PICTURES, film
from tests import toys


def frames(folder, shape) -> tuple[str, np.ndarray]:
    """(what passes, (pictures, moments, H, W) in [0, 1]) as read from the file."""
    read = read_film(folder, shape)
    sheet = np.asarray(Image.open(io.BytesIO(read.data)).convert("L"), np.float64) / 255
    n, T, (_, H, W) = read.pictures, read.moments, shape
    return read.what, sheet.reshape(n, H, T, W).swapaxes(1, 2)


def near(a, b) -> bool:
    """Within what the file's compression may change on average."""
    return float(np.abs(a - np.asarray(b)).mean()) < 0.06


def test_of_a_writer_the_values_appear_in_its_order(tmp_path):
    folder = toys.write_writer(tmp_path, "writer")
    film(folder)
    what, seen = frames(folder, (1, 8, 8))
    model = load(folder)
    u = uniform((PICTURES, 64), Streams.of(generator(0), PICTURES), "cpu")
    *_, last = model.write_steps(u)
    assert what == "writing" and seen.shape[:2] == (PICTURES, math.ceil(64 / math.ceil(64 / 24)))
    assert near(seen[:, -1], last.x[:, 0])
    # After the first moment all but the first values are unwritten.
    assert near(seen[:, 0].reshape(PICTURES, 64)[:, 16:], np.zeros((PICTURES, 48)))


def test_of_a_flow_noise_is_unbent_to_its_picture(tmp_path):
    folder = toys.write_flow(tmp_path, "flow")
    film(folder)
    what, seen = frames(folder, (1, 8, 8))
    model = load(folder)
    z = normal((PICTURES, model.latent), Streams.of(generator(0), PICTURES), "cpu")
    with torch.no_grad():
        assert what == "layers" and near(seen[:, -1], model.decode(z)[:, 0])


def test_of_a_model_of_steps_the_last_frame_is_the_sample(tmp_path):
    folder = toys.write(tmp_path, "walker", family="walker", image=(1, 8, 8), steps=6)
    film(folder)
    what, seen = frames(folder, (1, 8, 8))
    assert what == "steps" and seen.shape[1] == 7
    assert near(seen[:, -1], load(folder).sample(PICTURES, generator(0))[:, 0])


def test_of_a_model_of_one_step_it_is_a_walk_that_ends_where_it_begins(tmp_path):
    folder = toys.write(tmp_path, "toy")
    film(folder)
    what, seen = frames(folder, (1, 28, 28))
    model = load(folder)
    z = normal((PICTURES, 6), Streams.of(generator(0), PICTURES), "cpu")
    with torch.no_grad():
        corners = model.decode(z)[:, 0]
    assert what == "walk" and seen.shape[1] == MOMENTS
    for k in range(PICTURES):  # every sixth moment is at a corner, the pictures one after another
        assert near(seen[:, 6 * k], corners.roll(-k, 0))


def test_of_a_run_with_snapshots_it_is_the_training(tmp_path):
    folder = toys.write_game(tmp_path, "game")
    model = load(folder)
    for step in (1, 2, 3):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter *= 0.5
        snapshots.keep(model, folder, step, 3, 1.0, {}, {})
    film(folder)
    what, seen = frames(folder, (1, 8, 8))
    assert what == "training" and seen.shape[1] == 3
    for k, (_, then) in enumerate(snapshots.moments(folder)):
        assert near(seen[:, k], then.sample(PICTURES, generator(0))[:, 0])


def test_what_makes_no_pictures_is_refused_in_a_sentence(tmp_path, capsys):
    folder = toys.write(tmp_path, "reader", family="reader")
    assert main(["film", str(folder)]) == 2
    assert "makes no pictures" in capsys.readouterr().err
    assert main(["film", str(toys.write(tmp_path, "toy")), "--seed", "-1"]) == 2
    assert not (tmp_path / "toy" / FILM).exists()


def test_the_command_writes_the_film_and_the_same_one_again(tmp_path, capsys):
    folder = toys.write(tmp_path, "walker", family="walker", image=(1, 8, 8))
    assert main(["film", str(folder), "--device", "cpu", "--json"]) == 0
    first = (folder / FILM).read_bytes()
    assert main(["film", str(folder), "--device", "cpu"]) == 0
    assert (folder / FILM).read_bytes() == first


@pytest.mark.parametrize("damage", [b"", b"RIFF0000WEBP", None])
def test_a_damaged_film_is_no_film(tmp_path, damage):
    folder = toys.write(tmp_path, "walker", family="walker", image=(1, 8, 8))
    if damage is None:
        Image.new("L", (16, 16)).save(folder / FILM)  # a picture that nothing is said of
    else:
        (folder / FILM).write_bytes(damage)
    assert read_film(folder, (1, 8, 8)) is None
