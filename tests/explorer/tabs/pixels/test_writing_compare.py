"""The Pixels tab's Side by side and What a pixel can see, without a page."""

from __future__ import annotations

import base64
import dataclasses
import math

import numpy as np
import pytest
import torch

import explorer
from explorer.page.part import Asked, settled
from explorer.tabs.pixels import alike, compare, order
from models.checkpoints import weights as checkpoint
from models.contract.random import generator, uniform
from models.contract.streams import Streams
from tests import toys
from tests.denoising import pictures

SMALL = {
    "made": {"network": "made", "width": 40, "orders": "raster,centre"},
    "plain": {"network": "pixelcnn", "width": 8, "layers": 2},
    "gated": {"network": "gated", "width": 6, "layers": 4},
    "nade": {"network": "nade", "width": 12},
    "asked": {"network": "made", "width": 40, "num_classes": 10},
    "grey": {"network": "made", "width": 40, "pixels": "categorical", "levels": 4},
}
BINARY = {"made", "plain", "gated", "nade", "asked"}


def write_writers(folder) -> None:
    """Untrained autoregressive checkpoints with weights large enough for everything to show: six of
    8 x 8 pixels, one of them in four grey levels, and "colour"; beside them a VAE-like "toy"."""
    for name, config in SMALL.items():
        toys.write(folder, name, family="autoregressive", image=(1, 8, 8), **config)
    colour = {"network": "gated", "width": 6, "layers": 2, "pixels": "categorical", "levels": 3}
    toys.write(folder, "colour", family="autoregressive", image=(3, 4, 4), **colour)
    for name in (*SMALL, "colour"):
        model, header = checkpoint.load(folder / name), checkpoint.read_header(folder / name)
        rng = generator(5)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.2 * torch.randn(parameter.shape, generator=rng)
        checkpoint.save(model, header, folder / name)
    toys.write(folder, "toy", image=(1, 8, 8))


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("writers")
    write_writers(folder)
    return explorer.Context.create(folder, device="cpu")


BESIDE = Asked(seed=0, temperature=1.0, pick="", there=True)
SEES = Asked(seed=0, order=0, row=5, column=4, channel=0)


def beside(context, name="made", **asked):
    return compare.show(context, name, BESIDE.but(**asked))


def surprise(context, name="made", **asked):
    return compare.surprise(context, name, BESIDE.but(**asked))


def sees(context, name="made", **asked):
    return order.show(context, name, SEES.but(**asked))


def floats(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


def state(value) -> np.ndarray:
    return np.frombuffer(base64.b64decode(value["maps"][0]["blind"]), np.uint8).reshape(8, 8)


# -- side by side ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": None}, "seed must be a whole number"),
        ({"temperature": 0}, "temperature must be a number"),
        ({"temperature": math.nan}, "temperature must be a number"),
        ({"temperature": "hot"}, "temperature must be a number"),
    ],
)
def test_bad_input_is_one_sentence(context, change, sentence):
    for refused in (
        lambda: settled(beside(context, **change)),
        lambda: settled(surprise(context, **change)),
        lambda: compare.save(context, "made", BESIDE.but(**change), "png"),
    ):
        with pytest.raises(ValueError, match=sentence):
            refused()


def test_models_of_the_same_size_and_levels_write_by_the_same_chances(context):
    final = settled(beside(context))
    rows, status = final.rows, final.status
    assert {row["key"] for row in rows["rows"]} == BINARY and final.there is True
    assert "5 models" in status["text"] and "1 of the same size" in status["text"]
    assert [row["key"] for row in rows["rows"] if row["on"]] == ["made"]
    u = uniform((alike.COUNT, 64), Streams.of(generator(0), alike.COUNT), "cpu")
    for row in rows["rows"]:
        label = torch.arange(alike.COUNT) if row["key"] == "asked" else None
        *_, frame = context.store.get(row["key"]).write_steps(u, label, every=64)
        assert np.array_equal(pictures(row["sprite"]), (frame.x.numpy() * 255).astype(np.uint8))
    alone = settled(beside(context, "grey"))
    assert [row["key"] for row in alone.rows["rows"]] == ["grey"]
    assert "only model" in alone.status["text"]


def test_rows_come_one_after_another_and_can_be_ended_in_between(context):
    steps = list(beside(context, seed=7))
    assert sum(outputs is None for outputs in steps) > 5
    shown = [step.rows["rows"] for step in steps if step and "rows" in step]
    ready = [sum(row["sprite"] is not None for row in rows) for rows in shown]
    assert ready == sorted(ready) and ready[-1] == 5
    assert {"rows", "status", "code", "there"} <= steps[-1].keys()


def test_numbers_of_other_spaces_stand_in_other_columns(context):
    header = context.store.header("made")
    facts = {"kind": "exact", "space": "uint8"}
    uint8 = {
        "nll_nats": {"value": 600.0, "stderr": 1.5, **facts},
        "bpd": {"value": 1.104, "stderr": 0.01, **facts},
    }
    other = alike.measurements(dataclasses.replace(header, metrics=uint8))
    mine = alike.measurements(header)
    assert not set(other) & set(mine)
    assert [text for text, _ in mine.values()] == ["81.23"]
    assert [text for text, _ in other.values()] == ["600.00 ± 1.50 exact", "1.104 ± 0.010 exact"]
    assert list(other) == ["Nats, MNIST test, uint8", "Bits/dim, MNIST test, uint8"]
    assert alike.measurements(dataclasses.replace(header, metrics={})) == {}
    bad = {"nll_nats": {"value": "nan"}, "bpd": {"value": math.nan}}
    assert alike.measurements(dataclasses.replace(header, metrics=bad)) == {}


def test_the_best_measured_stands_first_and_what_is_not_measured_last(tmp_path):
    for name, nats in (("a", 90.0), ("b", 80.0), ("c", None)):
        folder = toys.write(tmp_path, name, family="autoregressive", image=(1, 4, 4), width=8)
        header = checkpoint.read_header(folder)
        metrics = {"nll_nats": {"value": nats}} if nats else {}
        checkpoint.save(
            checkpoint.load(folder), dataclasses.replace(header, metrics=metrics), folder
        )
    context = explorer.Context.create(tmp_path, device="cpu")
    rows = settled(beside(context, "c")).rows
    assert [row["key"] for row in rows["rows"]] == ["b", "a", "c"]
    assert rows["rows"][2]["facts"][1] == "not measured"


def test_a_damaged_model_is_named_and_the_others_still_write(tmp_path):
    write_writers(tmp_path)
    context = explorer.Context.create(tmp_path, device="cpu")
    weights = tmp_path / "nade" / checkpoint.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-40])
    final = settled(beside(context))
    assert {row["key"] for row in final.rows["rows"]} == BINARY - {"nade"} and final.there is True
    assert final.status["kind"] == "problem" and "Nade" in final.status["text"]
    assert len(settled(surprise(context)).maps["maps"]) == 5


@pytest.mark.parametrize("pick", ["", "gated:3", "asked:7"])
def test_surprise_maps_add_up_to_the_nats_below_them(context, pick):
    final = settled(surprise(context, pick=pick))
    maps, status = final.maps, final.said
    author, k = alike.read_pick(pick, list(BINARY), "made")
    assert maps["maps"][0]["note"] == f"{k + 1}, by {author.capitalize()}"
    assert len(maps["maps"]) == 6 and "binary" in status["text"]
    for one in maps["maps"][1:]:
        assert float(one["note"].split()[0]) == pytest.approx(floats(one["values"]).sum(), abs=0.06)
    x = torch.from_numpy(alike.finished(context, author, alike.Settings()).x[k : k + 1])
    found = context.store.get("gated").log_likelihood(x, generator(0), binarise=False)
    (gated,) = (one for one in maps["maps"] if one["name"].startswith("Gated"))
    assert np.allclose(floats(gated["values"]), -found.per_pixel.flatten(), atol=1e-5)


def test_a_model_of_classes_gives_the_mean_over_them(context):
    x = alike.finished(context, "nade", alike.Settings()).x[:1]
    nats, per_pixel, kind, _ = alike.surprised(context, "asked", x)
    model = context.store.get("asked")
    each = [
        model.log_likelihood(torch.from_numpy(x), generator(0), label=k, binarise=False).nats.item()
        for k in range(10)
    ]
    assert kind == "exact"
    assert nats == pytest.approx(-math.log(np.mean(np.exp(np.array(each)))), rel=1e-5)
    assert per_pixel.sum() == pytest.approx(nats, rel=1e-5)


def test_nothing_is_read_where_nothing_was_written_and_odd_choices_fall_back(context):
    assert list(surprise(context, there=False)) == []
    for pick in (None, "toy:1", "made:99", "made:", ":", "made:-1", "made:²", 7):
        assert alike.read_pick(pick, ["made"], "made") == ("made", 0)
    assert alike.pick_text("made-mnist:3") == "made-mnist:3"
    for bad in ("made", "<b>:1", "a:1" * 99):
        with pytest.raises(ValueError):
            alike.pick_text(bad)


@pytest.mark.parametrize(("name", "temperature"), [("made", 0.7), ("grey", 1.0), ("colour", 1.0)])
def test_the_code_shown_gives_the_pictures_and_the_maps(context, name, temperature):
    asked = {"temperature": temperature, "pick": f"{name}:2"}
    written, read = (
        settled(beside(context, name, **asked)),
        settled(surprise(context, name, **asked)),
    )
    rows, maps = written.rows, read.maps
    assert written.code == read.code
    scope: dict = {}
    exec(read.code, scope)
    for key, x in scope["pictures"].items():
        (row,) = (row for row in rows["rows"] if row["key"] == key.rpartition("/")[2])
        assert np.array_equal(pictures(row["sprite"]), np.rint(x.numpy() * 255).astype(np.uint8))
    shown = {one["name"].partition(",")[0]: one for one in maps["maps"][1:]}
    for key, found in scope["maps"].items():
        one = shown[context.store.header(key.rpartition("/")[2]).title]
        if len(found) == 1:
            assert np.allclose(floats(one["values"]), found.flatten(), atol=1e-5)


def test_the_pictures_can_be_saved(context):
    file = compare.save(context, "made", BESIDE, "png")
    assert base64.b64decode(file["b64"]).startswith(b"\x89PNG")


# -- who sees whom --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"row": 0}, "row from 1 to 8"),
        ({"row": 9}, "row from 1 to 8"),
        ({"column": 2.5}, "row from 1 to 8"),
        ({"column": None}, "row from 1 to 8"),
        ({"order": 2}, "raster, centre"),
        ({"order": None}, "raster, centre"),
        ({"seed": math.inf}, "seed must be a whole number"),
    ],
)
def test_bad_places_and_orders_get_a_sentence(context, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        settled(sees(context, **change))


def test_the_plain_network_is_blind_above_to_the_right_and_the_gated_one_sees_all(context):
    final = settled(sees(context, "gated"))
    gated, status = final.field, final.status
    before = np.arange(64).reshape(8, 8) < 4 * 8 + 3
    assert np.array_equal(state(gated) == 0, before) and state(gated)[4, 3] == 3
    assert "sees every pixel written before it, 35 in all" in status["text"]
    final = settled(sees(context, "plain", row=7, column=1))
    plain, status = final.field, final.status
    blind = state(plain) == 1
    assert blind[5, 7] and not blind[2:, 0].any() and (state(plain)[7:] == 2).all()
    assert f"never sees {blind.sum()}:" in status["text"]
    assert [words for _, words in plain["keys"]] == ["before, never seen", "not written yet"]


def test_the_field_is_the_models_own_averaged_over_samples(context):
    x = alike.finished(context, "made", alike.Settings()).x
    model = context.store.get("made")
    mean = sum(
        model.receptive_field(torch.from_numpy(x[k : k + 1]), 35, None, 1) for k in range(order.FEW)
    ) / order.FEW  # fmt: skip
    value = settled(sees(context, order=1)).field
    share = 100 * mean.numpy() / mean.sum().item()
    assert np.allclose(floats(value["maps"][0]["told"]), share.flatten(), atol=1e-3)
    assert np.allclose(
        floats(value["maps"][0]["values"]) ** 2, (mean / mean.max()).flatten(), atol=1e-5
    )


def test_the_order_is_the_models_and_the_first_value_has_nothing_to_see(context):
    when = settled(sees(context, order=1)).when
    step = floats(when["maps"][0]["values"])
    assert np.array_equal(step.argsort(), context.store.get("made").order(1).numpy())
    assert when["mark"] == 35
    final = settled(sees(context, row=1, column=1))
    assert "written first" in final.status["text"] and set(state(final.field).flat) == {2, 3}


def test_chances_are_the_models_sharpened_and_flattened(context):
    bars = settled(sees(context, "grey")).chances
    x = torch.from_numpy(alike.finished(context, "grey", alike.Settings()).x[:1])
    log_p = context.store.get("grey").predict(x)[0, 0, 4, 3]
    for t, panel in zip(order.TEMPERATURES, bars["panels"], strict=True):
        assert np.allclose(panel["p"], torch.softmax(log_p / t, -1).numpy(), atol=1e-3)
    assert bars["there"] == round(3 * x[0, 0, 4, 3].item()) and bars["names"] is None


def test_masks_are_pictures_with_words_and_none_is_said(context):
    def masks(name, k):
        told = order.masks(context, name, SEES.but(order=k))
        return told.masks, told.said

    value, status = masks("made", 1)
    assert len(value["masks"]) == 4 and "order of writing" in status["text"]
    first = value["masks"][0]
    bits = np.frombuffer(base64.b64decode(first["bits"]), np.uint8).reshape(64, 64)
    assert np.array_equal(bits, np.tri(64, k=-1, dtype=np.uint8))
    kernels, status = masks("plain", 0)
    assert [m["h"] for m in kernels["masks"]] == [7, 3] and "framed" in status["text"]
    assert all(mask["words"] for mask in (*value["masks"], *kernels["masks"]))
    assert masks("nade", 0)[0] == {"masks": []}
    assert masks("made", "nonsense")[0] == masks("made", 0)[0]


def test_large_masks_shrink_to_what_holds_a_weight():
    mask = np.zeros((784, 1000), bool)
    mask[500, 700] = True
    small = order.shrunk(mask)
    assert small.shape == (168, 168) and small.sum() == 1
    assert small[107, 117] and order.shrunk(np.eye(5, dtype=bool)).shape == (5, 5)


def test_controls_are_brought_within_the_models_limits(context):
    first = next(order.arrive(context, "made", Asked(seed=0, order=5, row=28, column=3, channel=1)))
    assert (first.order.value, first.row.value, first.column.value) == (0, 4, 3)
    assert first.order.visible and not first.channel.visible and first.channel.value == 0
    asked = Asked(seed=0, order=0, row=2, column=2, channel=2)
    first = next(order.arrive(context, "colour", asked))
    assert first.channel.visible and first.channel.value == 2


@pytest.mark.parametrize(
    ("name", "given"),
    [("made", {"order": 1}), ("asked", {}), ("plain", {}), ("colour", {"row": 2, "channel": 2})],
)
def test_the_code_shown_gives_what_the_pixel_sees(context, name, given):
    final = settled(sees(context, name, **given))
    field, bars = final.field, final.chances
    scope: dict = {}
    exec(final.code, scope)
    sway = scope["field"].sum(0).flatten()
    share = floats(field["maps"][0]["told"])
    assert np.allclose(share, 100 * sway / sway.sum(), atol=1e-3)
    shown = np.frombuffer(base64.b64decode(field["maps"][0]["blind"]), np.uint8)
    unseen = scope["before"].any(0).flatten() & (sway == 0)
    assert np.array_equal((shown == 1), unseen.numpy() & (shown != 3))
    for panel, p in zip(bars["panels"], scope["chances"], strict=True):
        assert np.allclose(panel["p"], p, atol=1e-3)
    assert len(scope["masks"]) == len(order.masks(context, name, SEES).masks["masks"])
