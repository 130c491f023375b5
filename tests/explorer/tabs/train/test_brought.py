"""One's own pictures as a data set."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer.page.part import settled
from explorer.server.reading import NotYet
from explorer.tabs import train
from explorer.tabs.train import brought, pictures, running, setup
from models.data import datasets, sources
from models.data.fetching import CACHE
from models.training import starts
from tests import toys
from tests.conftest import noise
from tests.explorer.tabs.train.conftest import page
from tests.mnist import put_mnist


def zipped(path: Path, files: dict[str, np.ndarray]) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name, pixels in files.items():
            with archive.open(name, "w") as file:
                Image.fromarray(pixels).save(file, "PNG")
    return str(path)


def test_own_pictures_become_a_data_set_that_the_command_line_reads(me, tmp_path, monkeypatch):
    files = {f"{'cats' if k % 2 else 'dogs'}/{k}.png": noise(40, 50, 3, seed=k) for k in range(30)}
    files["cats/again.png"] = files["cats/1.png"]
    path = zipped(tmp_path / "mine.zip", files)
    brought = pictures.bring([path], 28, False, me.folder)
    assert brought.described.image_shape == (3, 28, 28)
    assert brought.described.classes == ("cats", "dogs")
    assert "1 that were there already" in brought.words and len(brought.preview) == 30
    monkeypatch.chdir(me.folder)
    loaded = datasets.load(brought.described.name, "train", download=False)
    assert loaded.image_shape == (3, 28, 28) and loaded.classes == ("cats", "dogs")
    assert abs(len(loaded) - len(brought.described)) <= 1
    # The same pictures are the same data set; grey ones another.
    assert pictures.bring([path], 28, False, me.folder).described.name == brought.described.name
    grey = pictures.bring([path], 16, True, me.folder).described
    assert grey.image_shape == (1, 16, 16) and grey.name != brought.described.name
    assert starts.start("vae", "small", grey).data.name == grey.name


def bring(context, path, session="my page", **values):
    return settled(brought.bring_pictures(context, "toy", page(session, files=[path], **values)))


def test_too_few_or_no_pictures_are_a_sentence(context, me, tmp_path):
    path = zipped(tmp_path / "few.zip", {f"{k}.png": noise(9, 9, seed=k) for k in range(3)})
    with pytest.raises(ValueError, match="3 different pictures are too few"):
        bring(context, path)
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(ValueError):
        bring(context, str(tmp_path / "text.zip"))
    assert me.data == {}
    final = settled(brought.bring_pictures(context, "toy", page(files=None)))
    assert final == {"preview": None, "brought": {**final.brought, "text": ""}}


def test_brought_pictures_can_be_chosen_by_this_visitor_alone(context, me, tmp_path):
    path = zipped(tmp_path / "mine.zip", {f"{k}.png": noise(9, 9, seed=k) for k in range(20)})
    final = bring(context, path)
    name = final.data
    assert name in {item["key"] for item in final.datasets} and final.preview["n"] == 20
    assert final.brought["text"].startswith("20 pictures of 28x28")
    assert setup.recipe_of(me, name, "vae", "small").data.name == name
    other = context.visitors.arrive(None, "another page")
    with pytest.raises(ValueError, match="Choose a data set"):
        setup.recipe_of(other, name, "vae", "small")


def test_side_and_colour_take_effect_after_the_upload_too(context, me, tmp_path):
    path = zipped(tmp_path / "mine.zip", {f"{k}.png": noise(9, 9, 3, seed=k) for k in range(20)})
    first = bring(context, path)
    assert first.preview["c"] == 1
    second = bring(context, path, side=16, colour="colour", data=first.data)
    assert second.preview["c"] == 3 and "16x16" in second.brought["text"]
    assert list(me.data) == [second.data] and me.data[second.data].image_shape == (3, 16, 16)
    # What was made of them stays in sight while they are the chosen set.
    final = train.choose(context, "toy", page(data=second.data))
    assert final.own.visible and not final.hub.visible


def test_side_and_colour_are_wired_to_what_was_brought(context):
    built = explorer.build(context)
    part = context.built["train_brought"]
    asked = [part.asks[name]._id for name in ("files", "side", "colour")]
    labels = {b._id: b.label for b in built.blocks.values() if hasattr(b, "label")}
    brings = [fn for fn in built.fns.values() if [i._id for i in fn.inputs[1:4]] == asked]
    by = {(labels.get(target), event) for fn in brings for target, event in fn.targets}
    assert {("Side", "input"), ("Colour", "input")} <= by
    assert {event for _, event in by} >= {"upload", "input"}


def test_nothing_that_is_secret_or_large_goes_along_with_every_look_at_a_run(context):
    explorer.build(context)
    sent = set(map(id, context.built["train"].asks.values()))
    for block in ("train_brought", "train_yours", "train_visitor"):
        part = context.built[block]
        assert not {n for n in ("files", "back", "token", "key") if id(part.asks.get(n)) in sent}


@pytest.mark.parametrize("repo", ["", "mnist", "../etc", "a/..", "/etc/passwd", "a/b/c", ".a/b"])
def test_only_the_name_of_a_data_set_on_the_hub_is_looked_up(context, me, monkeypatch, repo):
    monkeypatch.setattr(brought, "_small_enough", lambda repo: pytest.fail("it was looked up"))
    with pytest.raises(ValueError, match="owner/name"):
        settled(brought.bring_hub(context, "toy", page(repo=repo)))


# -- a known data set that is not here yet ---------------------------------------------------------


@pytest.fixture
def online(hub, tmp_path, monkeypatch):
    """A small MNIST on the Hub, and nothing on this machine."""
    monkeypatch.delenv(datasets.ENVIRONMENT, raising=False)
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    return put_mnist(hub, monkeypatch)


def test_mnist_is_fetched_by_a_button_and_used_at_once(online, tmp_path, monkeypatch):
    """Training, the nearest training picture and the map find it without a restart."""
    from explorer.tabs.map import layouts
    from explorer.tabs.sample import nearest

    toys.write(tmp_path / "models", "toy", data="mnist", image=(1, 28, 28))
    context = explorer.Context.create(tmp_path / "models", device="cpu")
    monkeypatch.setattr(context.visitors.jobs, "ask", lambda *a, **k: None)
    me = context.visitors.arrive(None, "my page")
    asked = page(data="mnist", family="vae", size="small", given="{}")

    # Before: it says what is missing and what can be done, and begins nothing by itself.
    setup.look_online(context)
    [item] = [item for item in setup.datasets(context, me) if item["key"] == "mnist"]
    assert not item["off"] and "18 MB to fetch" in item["note"]
    assert train.chosen(context, me, asked).absent.visible is True
    assert settled(train.estimate(context, "toy", asked)).estimated["text"] == ""
    with pytest.raises(NotYet, match="Fetch these pictures"):
        running.start(context, "toy", asked)
    assert nearest.nearest_training_image(context, "toy", online.images["train"][5][None]).note == (
        nearest.TO_FETCH
    )
    assert layouts.test_set(context, "toy") is None

    steps = list(brought.fetch_known(context, "toy", asked))
    shares = [step.taken["progress"] for step in steps[:-1]]
    assert len(shares) > 2 and shares == sorted(shares)
    assert "MNIST is here now" in steps[-1].taken["text"]

    [item] = [item for item in steps[-1].datasets if item["key"] == "mnist"]
    assert not item["off"] and "fetch" not in item["note"]
    assert train.chosen(context, me, asked).absent.visible is False
    found = nearest.nearest_training_image(context, "toy", online.images["train"][5][None])
    assert np.array_equal(found.image[0], online.images["train"][5]) and "number 6" in found.note
    kept = layouts.test_set(context, "toy")
    assert np.array_equal(kept.images[:, 0].numpy(), online.images["test"])
    # Again, by another visitor: it is there.
    again = list(brought.fetch_known(context, "toy", asked))
    assert len(again) == 1 and "is here now" in again[0].taken["text"]


def test_where_there_is_no_network_nothing_is_offered_and_a_sentence_says_why(
    online, context, me, monkeypatch
):
    from models.data import fetching

    monkeypatch.setattr(sources, "reachable", lambda seconds=0.0: False)
    monkeypatch.setattr(fetching, "reachable", lambda seconds=0.0: False)
    setup.look_online(context)
    [item] = [item for item in setup.datasets(context, me) if item["key"] == "mnist"]
    assert "Not on this machine" in item["off"]
    with pytest.raises(ValueError, match="The Hub cannot be reached from here"):
        settled(brought.fetch_known(context, "toy", page(data="mnist")))
    with pytest.raises(NotYet, match="Choose a data set that is not"):
        settled(brought.fetch_known(context, "toy", page(data="own")))
    monkeypatch.setattr(context, "hub", False)
    assert not setup.is_absent(context, "mnist")
    with pytest.raises(NotYet, match="Choose a data set that is not"):
        settled(brought.fetch_known(context, "toy", page(data="mnist")))
