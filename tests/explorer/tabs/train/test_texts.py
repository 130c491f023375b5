"""Runs of text: a person's own as a data set, what goes with what, and what is seen of a run."""

from __future__ import annotations

import pytest

from explorer.page.part import settled
from explorer.server.jobs import Job
from explorer.server.reading import NotYet
from explorer.tabs import train
from explorer.tabs.train import brought, running, setup, texts, watch
from models.data import datasets
from tests.explorer.tabs.train.conftest import page, ticked

LINE = "It was the best of times, it was the worst of times.\n"


def test_a_pasted_text_becomes_a_data_set_that_the_command_line_reads(context, me, monkeypatch):
    asked = page(data=setup.OWN_TEXT, pasted="Ä “curled” one\n" + 80 * LINE)
    final = settled(brought.bring_text(context, "toy", asked))
    assert final.data.startswith("text-") and "characters" in final.read["text"]
    assert final.data in me.data and me.data[final.data].image_shape == (1, 1, 256)
    item = next(item for item in final.datasets if item["key"] == final.data)
    assert item["title"] == "Your text" and item["note"].endswith("characters")
    monkeypatch.chdir(me.folder)
    loaded = datasets.load(final.data, "train", download=False)
    assert len(loaded) == len(me.data[final.data])
    assert loaded.images[0].numpy().tobytes().startswith(b'A "curled" one\nIt was the best')
    recipe = setup.recipe_of(me, final.data, "text", "small")
    assert recipe.data.name == final.data and "own" in recipe.about
    assert recipe.train.batch_size <= len(loaded) - recipe.train.held_out
    assert f"The file {final.data} has to lie" in setup.command(recipe)
    # Another text takes the place of the one that is chosen.
    again = settled(brought.bring_text(context, "toy", page(data=final.data, pasted=90 * LINE)))
    assert again.data != final.data and set(me.data) == {again.data}


def test_a_text_that_will_not_do_is_refused_in_a_sentence(context, me, tmp_path):
    with pytest.raises(NotYet, match="Paste a text first"):
        brought.bring_text(context, "toy", page(pasted=" \n"))
    with pytest.raises(ValueError, match="too few to train on; bring 3,072 at least"):
        brought.bring_text(context, "toy", page(pasted=LINE))
    assert not list(me.folder.glob("*.txt")) and not me.data
    (tmp_path / "picture.txt").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(ValueError, match="not a text in UTF-8"):
        brought.bring_file(context, "toy", page(file=str(tmp_path / "picture.txt")))
    assert brought.bring_file(context, "toy", page()) is None
    with pytest.raises(ValueError, match="Texts up to 2,000,000 characters"):
        texts.bring("a" * 2_000_001, me.folder)
    with pytest.raises(ValueError, match="Bring a text first"):
        setup.recipe_of(me, setup.OWN_TEXT, "text", "small")


def test_a_text_file_is_taken(context, me, tmp_path):
    (tmp_path / "tale.md").write_text(80 * LINE, "utf-8")
    final = settled(brought.bring_file(context, "toy", page(file=str(tmp_path / "tale.md"))))
    assert me.data[final.data].n == 15  # of 16 strips the last is the test split


def test_what_is_chosen_last_decides_what_goes_with_it(context, me):
    final = train.choose_family(context, "toy", page(family="text"))
    assert final.data == "python-library" and "bits" not in final.form["groups"][0]["fields"]
    assert 'family = "text"' in final.code and not final.text.visible
    final = train.choose_data(context, "toy", page(data=setup.OWN_TEXT, family="vae"))
    assert final.family == "text" and final.text.visible and not final.own.visible
    assert "form" not in final  # there is no text yet
    final = train.choose_data(context, "toy", page(data="shapes", family="text"))
    assert final.family == "vae" and "form" in final
    final = train.choose_family(context, "toy", page(data="python-library", family="sagan"))
    assert final.data == "digits" and "attention = 1" in final.code
    assert "SAGAN" in final.idea
    assert "data" not in train.choose_family(context, "toy", page(family="gan"))
    assert "family" not in train.choose_data(context, "toy", page(data="shapes"))
    settled(brought.bring_text(context, "toy", page(pasted=80 * LINE)))
    [own] = me.data
    assert train.choose_family(context, "toy", page(family="text")).data == own
    # A link that names a model of text brings text.
    assert settled(train.arrive(context, "toy", page(family="text"))).data == own


def shown(step: int, **more) -> dict:
    return {"is": "shown", "step": step, "seconds": 0, "distance": 0.0, "codes": None,
            "pictures": {}, "train": {"model_loss": 1.0, "bits_per_symbol": 3.0 - step},
            "held_out": {"model_loss": 1.0, "bits_per_symbol": 4.0 - step}, **more}  # fmt: skip


def test_what_a_model_of_text_writes_is_seen_moment_by_moment(context, me, tmp_path):
    job = me.job = Job("mine", {}, tmp_path)
    job.apply({"is": "started", "total": 10, "parameters": 1, "live": {}, "makes": "texts"})
    job.apply(shown(0, text="x#k", bits=6.5))
    job.apply(shown(1, text="def f", bits=2.25))
    final = ticked(context)
    assert final.written.visible and not final.pictured.visible and "film" not in final
    moments = final.texts["moments"]
    assert [moment["text"] for moment in moments] == ["x#k", "def f"]
    assert moments[1]["words"] == "Step 1: the model gives this text 2.25 bits a character"
    [plot] = final.curves["plots"]
    assert plot["title"].startswith("Bits a character") and plot["note"] == "gap +1"
    assert [line["name"] for line in plot["lines"]] == ["texts set aside", "texts trained on"]
    assert final.open.value == "Write with it"
    assert not {"texts", "written", "pictured"} & ticked(context, final.told).keys()
    job.apply({"is": "progress", "step": 3, "epoch": 0.1, "rate": 1, "seconds": 1,
               "images_per_second": 20, "logs": {}})  # fmt: skip
    assert "20 texts a second" in watch.status(job)["text"]
    job.apply({"is": "step", "step": 2, "images": 16, "batch": None, "texts": ["a", "b"],
               "labels": [], "logs": {}, "rate": 1, "parts": []})  # fmt: skip
    slow = watch.slow_step(job)
    assert slow["texts"] == ["a", "b"] and slow["batch"] is None
    assert "16 texts were taken; the first 2 are shown" in slow["note"]
    with pytest.raises(NotYet, match="no film"):
        running.save_film(context, "toy", page(), "film")


def test_an_estimate_of_a_run_of_text_counts_texts():
    report = {"parameters": 1000, "megabytes": 0, "seconds_per_step": 0.1, "timed": 5,
              "total": 10, "batch": 16}  # fmt: skip
    assert "a step of 16 texts" in setup.estimate_words(report, 10, "texts")[0]
