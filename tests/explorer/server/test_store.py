"""The store: what is listed, when it is loaded, what is let go."""

from __future__ import annotations

import dataclasses
import threading
import time

import pytest

from explorer.server.store import Store
from models.checkpoints import weights
from models.checkpoints.header import SHIPPED, read_header
from models.evaluation.card import write_card
from tests import toys


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, data in (("a", "shapes"), ("b", "mnist"), ("c", "fashion-mnist")):
        toys.write(folder, name, data=data)
    toys.write(folder, "reader", family="reader", data="digits")
    broken = folder / "broken"
    broken.mkdir()
    (broken / "model.safetensors").write_bytes(b"not a checkpoint")
    return folder


def size(store: Store, name: str) -> int:
    return sum(p.numel() * p.element_size() for p in store.get(name).parameters())


def test_the_best_known_data_comes_first_and_what_is_broken_is_left_out(folder, caplog):
    store = Store([folder], "cpu")
    assert store.names == ["b", "c", "a", "reader"]
    assert store.first == "b"
    assert "broken" in caplog.text


def test_the_page_opens_on_the_model_that_can_do_most_and_draws_best(tmp_path):
    """Not on the first by the alphabet, which may be a poor sampler that a lesson is about."""
    toys.write(tmp_path, "a-vae")
    toys.write_walker(tmp_path, "walker")
    for name, distance in (("near-vae", 2.0), ("vae", 90.0)):
        header = read_header(toys.write(tmp_path, name))
        metrics = {"fd_over_floor": {"value": distance, "n": 8}}
        weights.rewrite_header(tmp_path / name, dataclasses.replace(header, metrics=metrics))
    store = Store([tmp_path], "cpu")
    most = max(store.names, key=lambda name: len(store.header(name).capabilities))
    assert store.first == most == "walker"
    (tmp_path / "walker" / "model.safetensors").unlink()
    assert Store([tmp_path], "cpu").first == "near-vae"


@pytest.mark.shipped
def test_the_shipped_page_opens_on_good_samples():
    store = Store([SHIPPED], "cpu")
    assert store.header(store.first).metrics["fd_over_floor"]["value"] < 5


@pytest.mark.parametrize("role", ["background", "second"])
def test_what_only_serves_other_models_is_none_to_look_at(tmp_path, role):
    toys.write(tmp_path, "seen")
    header = read_header(toys.write(tmp_path, "behind"))
    told = dataclasses.replace(header, recipe={**header.recipe, role: True})
    weights.rewrite_header(tmp_path / "behind", told)
    assert Store([tmp_path], "cpu").names == ["seen"]


def test_a_model_of_another_folder_is_loaded_within_the_bound_and_offered_to_nobody(
    folder, tmp_path
):
    aside = toys.write(tmp_path, "b")  # a name that is taken
    store = Store([folder], "cpu")
    assert store.at(folder / "b") == "b"
    name = store.at(aside)
    assert name == store.at(str(aside)) and name not in store.names
    assert name not in store.having({"Samples"}) and store.header(name).folder == aside
    store.get("a")
    assert store.get(name) is store.get(name) and store.loaded == ["a", name]
    store.limit = 1
    store.get("c")
    assert store.loaded == ["c"]
    with pytest.raises(ValueError, match="checkpoint"):
        store.at(tmp_path)


def test_listing_loads_nothing(folder):
    store = Store([folder], "cpu")
    assert store.header("a").parameters > 0
    assert store.loaded == []


def test_models_are_found_by_what_they_can_do(folder):
    store = Store([folder], "cpu")
    assert store.having({"Samples", "Decodes"}) == ["b", "c", "a"]
    assert store.having({"Encodes"}) == ["b", "c", "a", "reader"]
    assert store.having({"HasEnergy"}) == []
    assert store.having({"HasEnergy|Decodes", "Encodes"}) == ["b", "c", "a"]
    assert store.having({"HasEnergy|HasLevels"}) == []


def test_an_unknown_model_gets_a_sentence(folder):
    with pytest.raises(ValueError, match=r"no model 'x' here\. Models: b, c, a, reader"):
        Store([folder], "cpu").get("x")


def test_the_least_recently_used_goes_when_memory_runs_out(folder):
    one = size(Store([folder], "cpu"), "b")
    store = Store([folder], "cpu", limit=2 * one)
    b, _ = store.get("b"), store.get("c")
    assert store.get("b") is b
    store.get("reader")
    store.limit = one
    store.get("a")
    assert store.loaded == ["a"]


def test_the_newest_stays_even_if_it_alone_is_too_large(folder):
    store = Store([folder], "cpu", limit=1)
    store.get("a")
    store.get("b")
    assert store.loaded == ["b"]


def test_many_callers_share_one_load(folder, monkeypatch):
    loads, real = [], weights.load

    def slow(path, device="cpu"):
        loads.append(path)
        time.sleep(0.2)
        return real(path, device)

    monkeypatch.setattr(weights, "load", slow)
    store, got = Store([folder], "cpu"), []
    threads = [threading.Thread(target=lambda: got.append(store.get("a"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1 and len(got) == 8 and len(set(map(id, got))) == 1


def test_a_missing_folder_is_an_empty_store(tmp_path):
    store = Store([tmp_path / "none"], "cpu")
    assert store.names == [] and store.first is None


def test_two_runs_of_one_recipe_are_both_there_under_names_that_tell_them_apart(tmp_path):
    for run in ("first try", "second", "third"):
        toys.write(tmp_path, run)
        header = read_header(tmp_path / run)
        name, title = ("one", "A VAE") if run != "third" else ("other", "Another")
        told = dataclasses.replace(header, name=name, title=title)
        weights.rewrite_header(tmp_path / run, told)
    store = Store([tmp_path], "cpu")
    assert store.names == ["one", "one-second", "other"]
    titles = [store.header(name).title for name in store.names]
    assert titles == ["A VAE (first try)", "A VAE (second)", "Another"]
    assert store.get("one") is not store.get("one-second")


def test_no_card_says_where_this_machine_keeps_its_data(tmp_path):
    from explorer.page.picker import card

    toys.write(tmp_path, "own")
    header = read_header(tmp_path / "own")
    where = tmp_path / "private" / "My Pictures.zip"
    told = dataclasses.replace(header, data={**header.data, "name": str(where)})
    weights.rewrite_header(tmp_path / "own", told)
    write_card(told, tmp_path / "own")
    shown = card(Store([tmp_path], "cpu").header("own"))
    assert shown["data"] == "My Pictures" and "private" not in str({**shown, "thumb": ""})
    text = (tmp_path / "own" / "card.md").read_text("utf-8")
    assert "private" not in text and "My Pictures" in text


def test_a_recipe_for_other_data_is_not_called_by_the_data_it_was_written_for(tmp_path):
    from models.training.recipe import load_recipe

    other = load_recipe("vae-mnist", [f"data.name='{tmp_path / 'leaves'}'"])
    assert other.title == "vae-mnist, of leaves" and "leaves" in other.about
    assert str(tmp_path) not in other.title + other.about
    assert load_recipe("vae-mnist", ["data.name='leaves'", "title='Mine'"]).title == "Mine"
    assert load_recipe("vae-mnist").title == load_recipe("vae-mnist", ["seed=1"]).title
