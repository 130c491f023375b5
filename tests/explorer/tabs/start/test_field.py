"""Where a model stands on the map of the field follows from what it can do, from nothing else."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

import explorer
from explorer.server.assets import FOR_EVER
from explorer.tabs import start
from explorer.tabs.start import field
from models.checkpoints.film import FILM
from models.checkpoints.header import read_header
from models.evaluation.film import film
from tests import plugin, toys


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write(folder, "toy")
    toys.write(folder, "reader", family="reader")
    toys.write(folder, "walker", family="walker", image=(1, 8, 8), steps=4)
    toys.write_writer(folder, "writer")
    toys.write_writer(folder, "writer-too")
    toys.write_flow(folder, "flow")
    toys.write_game(folder, "game")
    toys.write_translator(folder, "translator")
    return folder


@pytest.fixture(scope="module")
def context(folder):
    context = explorer.Context.create(folder, device="cpu")
    explorer.build(context)
    return context


@pytest.mark.parametrize(
    ("can", "way", "density"),
    [
        ("Samples WritesPixels HasLikelihood", "likelihood", "exact density"),
        ("Samples Flows HasLikelihood", "likelihood", "exact density"),
        ("Samples HasLikelihood Decodes", "bound", "bound on the density"),
        ("Samples Discriminates Decodes", "game", "no density"),
        ("Translates HasDomains", "game", "no density"),
        ("Samples HasEnergy HasLikelihood", "energy", "density up to a constant"),
        ("Samples Denoises HasLikelihood Encodes", "denoising", "bound on the density"),
        ("Samples SomethingNew", "other", "no density"),
    ],
)
def test_the_way_and_the_density_follow_from_capabilities(folder, can, way, density):
    header = replace(read_header(folder / "toy"), capabilities=tuple(can.split()), metrics={})
    assert (field.way_of(header), field.density_of(header)) == (way, density)


def test_a_measured_kind_says_whether_a_likelihood_is_exact(folder):
    header = replace(read_header(folder / "toy"), capabilities=("Samples", "HasLikelihood"))
    exact = replace(header, metrics={"nll_nats": {"value": 80.0, "kind": "exact"}})
    assert field.way_of(exact) == "likelihood"


def test_every_family_that_makes_pictures_is_one_node_and_opens_where_it_is_best_seen(context):
    ways = {way["key"]: way["nodes"] for way in field.shown(context)}
    homes = {node["model"]: node["tab"] for nodes in ways.values() for node in nodes}
    assert homes["flow"] == "layers" and homes["game"] == "game"
    assert set(homes) & {"writer", "writer-too"} and "reader" not in homes
    [written] = [node for node in ways["likelihood"] if len(node["names"]) == 2]
    assert written["tab"] == "pixels" and "64 steps" in written["facts"]
    for nodes in ways.values():
        for node in nodes:
            assert node["film"] and node["tab"] in context.titles


def test_a_family_of_somebody_elses_is_on_the_map(tmp_path, monkeypatch):
    plugin.install(tmp_path, monkeypatch)
    models = tmp_path / "models"
    toys.write(models, "mine", plugin.NAME, "digits", image=[1, 8, 8])
    context = explorer.Context.create(models, device="cpu")
    explorer.build(context)
    [way] = field.shown(context)
    assert way["key"] == "other"
    assert [node["title"] for node in way["nodes"]] == ["Pixelwise average"]
    assert way["nodes"][0]["tab"] == "sample"


def test_a_model_with_a_film_stands_for_its_family(folder, tmp_path):
    toys.write_writer(tmp_path, "writer")
    toys.write_writer(tmp_path, "filmed")
    film(tmp_path / "filmed")
    context = explorer.Context.create(tmp_path, device="cpu")
    explorer.build(context)
    [way] = field.shown(context)
    [node] = way["nodes"]
    assert (
        node["model"] == "filmed" and node["film"]["words"] == "values, written one after another"
    )
    server = TestClient(Starlette(routes=[field.films(context)]))
    answer = server.get(node["film"]["address"])
    assert answer.headers["cache-control"] == FOR_EVER
    sheet = np.asarray(Image.open(io.BytesIO(answer.content)).convert("L"))
    assert sheet.shape == (8 * node["film"]["rows"], 8 * node["film"]["columns"])
    (tmp_path / "filmed" / FILM).write_bytes(b"nothing")
    assert field.moving(read_header(tmp_path / "filmed")).words == "samples"
    # Another film has another address, and what is no model has none.
    assert field.film_of(context.store.header("filmed"))["address"] != node["film"]["address"]
    assert server.get("/start/film/nobody").status_code == 404


def test_states_lead_to_tabs_and_parts_that_there_are(context):
    parts = context.picker.props["parts"]
    for state in start.offered_states(context, start.TRIES + start.USES):
        assert state["tab"] in context.titles
        known = [part["key"] for part in parts.get(state["tab"], [])]
        assert not state["part"] or state["part"] in known


def test_a_page_without_models_has_a_first_tab(tmp_path):
    context = explorer.Context.create(tmp_path)
    assert explorer.build(context).blocks and field.shown(context) == []
