"""The model that a run leaves: in the other tabs, saved, brought back, measured, pushed."""

from __future__ import annotations

import base64
import shutil
import zipfile
from pathlib import Path

import pytest

from explorer.page.code import in_code
from explorer.page.part import settled
from explorer.server.jobs import Job, JobError
from explorer.tabs import train
from explorer.tabs.train import keep, yours
from models.training.recipe import from_dict
from tests.explorer.tabs.train.conftest import page, ticked


@pytest.fixture
def finished(context, me, tiny_vae):
    """A run of mine that has ended, with a model in its folder."""
    job = Job("tiny", {}, me.folder / "tiny")
    shutil.copytree(tiny_vae, job.folder)
    job.kept = 60
    job.become("ended", "Done.")
    me.job = job
    return job


def test_a_model_is_in_this_visitors_other_tabs_and_in_nobody_elses(context, me, finished):
    first = ticked(context)
    [card], [name] = first.offers, me.models
    assert (
        card["name"] == name and card["title"] == "Tiny VAE" and "Decodes" in card["capabilities"]
    )
    assert first.kept.choices == [("Tiny VAE", name)] and first.open.visible
    assert "offers" not in ticked(context, first.told)
    # Whoever knows the name can use it; nothing that everybody sees tells it.
    assert context.store.get(name).image_shape == (1, 8, 8)
    assert name not in context.store.names and name not in context.store.having({"Decodes"})
    other = context.visitors.arrive(None, "another page")
    assert keep.offers(context, other) == []
    with pytest.raises(JobError):
        keep.folder_of(other, name)
    # A page loaded anew has it again.
    final = train.open_page(context, "toy", page("second page", key=me.key))
    assert [offer["name"] for offer in final.offers] == [name] and final.kept.value == name
    # The code that a tab shows does not tell where this server keeps it.
    assert in_code(context.store.header(name).folder) == "runs/tiny"


def test_a_model_is_forgotten_with_its_visitor(context, me, finished):
    ticked(context)
    [name] = me.models
    context.store.get(name)
    context.visitors.leave("my page")
    context.visitors.grace = 0
    context.visitors.sweep()
    with pytest.raises(ValueError, match="no model"):
        context.store.header(name)
    assert name not in context.store.loaded and not me.folder.exists()


def test_a_saved_model_can_be_brought_back(context, me, finished, tmp_path, monkeypatch):
    ticked(context)
    [name] = me.models
    file = yours.save(context, "toy", page(kept=name), "zip")
    path = tmp_path / file["name"]
    path.write_bytes(base64.b64decode(file["b64"]))
    with zipfile.ZipFile(path) as archive:
        assert {
            "tiny/model.safetensors", "tiny/config.json", "tiny/recipe.toml", "tiny/card.md",
        } <= set(archive.namelist())  # fmt: skip
        recipe = archive.read("tiny/recipe.toml").decode()
    import tomllib

    assert from_dict(tomllib.loads(recipe)).model["latent"] == 4
    asked = []
    monkeypatch.setattr(context.visitors.jobs, "ask", lambda do, *a, **k: asked.append(do))
    other = context.visitors.arrive(None, "another page")
    final = yours.bring_model(context, "toy", page("another page", back=str(path)))
    assert asked == ["check"] and "Tiny VAE is here" in final.status["text"]
    [back] = other.models
    assert back != name and final.kept.value == back and final.offers[0]["name"] == back
    assert (other.models[back] / "model.safetensors").read_bytes() == (
        me.models[name] / "model.safetensors"
    ).read_bytes()


def test_a_model_in_parts_travels_whole(context, me, finished, tmp_path, monkeypatch):
    from explorer.tabs.train import keep
    from models.checkpoints import parts
    from models.checkpoints.header import read_header
    from models.checkpoints.weights import rewrite_header

    ticked(context)
    [name] = me.models
    folder = me.models[name]
    monkeypatch.setattr(parts, "LARGEST", 2000)
    monkeypatch.setattr(parts, "HEAD", 0)
    rewrite_header(folder, read_header(folder))
    files = parts.files_of(folder)
    assert len(files) > 2
    path = tmp_path / "divided.zip"
    path.write_bytes(base64.b64decode(keep.archive(folder)["b64"]))
    monkeypatch.setattr(context.visitors.jobs, "ask", lambda *a, **k: None)
    other = context.visitors.arrive(None, "another page")
    back = other.models[keep.bring(context, other, str(path))]
    assert parts.files_of(back) == files
    for file in files:
        assert (back / file).read_bytes() == (folder / file).read_bytes()


def test_what_is_no_model_is_a_sentence_and_leaves_nothing(context, me, tmp_path, monkeypatch):
    monkeypatch.setattr(context.visitors.jobs, "ask", lambda *a, **k: None)
    (tmp_path / "a.safetensors").write_bytes(b"nothing")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("../../outside/model.safetensors", b"nothing")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("readme.txt", b"nothing")
    before = sorted(p.name for p in me.folder.rglob("*"))
    for name in ("a.safetensors", "b.zip", "c.zip"):
        with pytest.raises(ValueError) as error:
            yours.bring_model(context, "toy", page(back=str(tmp_path / name)))
        assert str(tmp_path) not in str(error.value)
    assert sorted(p.name for p in me.folder.rglob("*")) == before and me.models == {}
    assert not (me.folder.parent / "outside").exists()


def test_measuring_puts_numbers_on_the_card(context, me, finished, monkeypatch):
    from models.evaluation import evaluate

    ticked(context)
    [name] = me.models

    def ask(do, folder, answer, *_, out, only, apart):
        header = evaluate.evaluate(Path(out), n=20, samples=4, only=["likelihood"], progress=False)
        return {"metrics": header.metrics}

    monkeypatch.setattr(context.visitors.jobs, "ask", ask)
    said = settled(yours.measure(context, "toy", page(kept=name))).status
    value = context.store.header(name).metrics["nll_nats"]["value"]
    assert f"{value:.2f}" in said["text"]
    assert "nll_nats" in (me.models[name] / "card.md").read_text()
