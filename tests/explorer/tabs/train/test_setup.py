"""The Train tab's settings: what can be chosen, the recipe it makes, and how long it takes."""

from __future__ import annotations

import json

import pytest

from explorer.page.part import settled
from explorer.tabs import train
from explorer.tabs.train import setup
from models.training import starts
from models.training.recipe import load_recipe
from tests.explorer.tabs.train.conftest import CHOSEN, page


def test_what_is_here_can_be_chosen_and_the_rest_says_why_not(context, me):
    items = {item["key"]: item for item in setup.datasets(context, me)}
    assert not items["digits"]["off"] and not items["shapes"]["off"]
    assert "--data-dir" in items["mnist"]["off"]
    assert list(items)[-3:] == [setup.OWN, setup.OWN_TEXT, setup.HUB]
    assert not items["python-library"]["off"] and "MB of text" in items["python-library"]["note"]


def test_every_family_that_samples_is_offered_by_itself_in_its_own_words(monkeypatch):
    offered = {item["key"]: item for item in setup.families()}
    assert {"vae", "diffusion", "autoregressive", "flow", "toy"} <= offered.keys()
    assert not offered.keys() & {"classifier", "reader"}
    assert offered["vae"]["title"] == "Variational autoencoder" and offered["vae"]["note"]
    assert not offered["vae"]["off"]


def test_text_translations_and_a_gan_that_attends_can_be_started():
    items = {item["key"]: item for item in setup.families()}
    assert items["sagan"]["title"] == "SAGAN" and "look at each other" in items["sagan"]["note"]
    assert list(items).index("sagan") == list(items).index("gan") + 1
    assert not any(items[key]["off"] for key in ("sagan", "text", "cyclegan"))
    sagan = setup.recipe_of(None, "digits", "sagan", "small")
    assert sagan.family == "gan" and sagan.model["attention"] == 1 and sagan.name == "sagan-small"
    assert setup.recipe_of(None, "digits", "cyclegan", "small").model["domains"] == "strokes"
    assert setup.recipe_of(None, "shapes", "cyclegan", "small").model["domains"] == "outlines"
    assert setup.recipe_of(None, "python-library", "text", "small").data.name == "python-library"
    for data, start in (("digits", "text"), ("python-library", "vae")):
        with pytest.raises(ValueError, match="choose such data, or another model"):
            setup.recipe_of(None, data, start, "small")


def test_the_form_has_every_setting_with_its_help_and_limits(me):
    form = setup.form(setup.recipe_of(me, *CHOSEN), "key")
    fields = {field["key"]: field for group in form["groups"] for field in group["fields"]}
    beta = fields["model.beta"]
    assert beta["low"] == 0 and beta["high"] == 1000 and "KL" in beta["help"] and beta["live"]
    assert fields["model.latent"]["value"] == 2 and not fields["model.latent"]["live"]
    assert fields["model.likelihood"]["choices"] == ["bernoulli", "logistic"]
    assert fields["train.learning_rate"]["live"] and "train.epochs" not in fields
    assert [f["key"] for f in form["groups"][0]["fields"]] == [
        "train.steps", "train.batch_size", "train.learning_rate"
    ]  # fmt: skip
    json.dumps(form)


def test_changed_settings_are_in_the_recipe_and_wrong_ones_a_sentence(me):
    given = json.dumps({"model.beta": 4, "train.steps": 7.0, "model.latent": 5})
    recipe = setup.recipe_of(me, *CHOSEN, given)
    assert recipe.model["beta"] == 4 and recipe.model["latent"] == 5 and recipe.train.steps == 7
    for wrong, words in (
        ('{"model.beta": -1}', "at least 0"),
        ('{"model.latent": 2.5}', "whole number"),
        ('{"train.steps": null}', "must be a number"),
        ('{"train.log_every": 3}', "garbled"),
        ('{"data.name": "/etc"}', "garbled"),
        ("[1]", "garbled"),
        ("nonsense", "garbled"),
    ):
        with pytest.raises(ValueError, match=words):
            setup.recipe_of(me, *CHOSEN, wrong)
    with pytest.raises(ValueError, match="Choose a data set"):
        setup.recipe_of(me, "../secret", "vae", "small")


def test_the_command_repeats_the_run(me, tmp_path):
    recipe = setup.recipe_of(me, *CHOSEN, '{"model.beta": 4}')
    text = setup.command(recipe)
    assert "python -m models train recipe.toml" in text
    (tmp_path / "recipe.toml").write_text(text)
    again = load_recipe(tmp_path / "recipe.toml")
    assert again.model == recipe.model and again.train == recipe.train
    assert again.seed == recipe.seed and again.data == recipe.data


def test_steps_batch_and_rate_are_in_the_link_and_come_out_of_it(context, me):
    given = '{"train.steps": 77, "train.learning_rate": 0.004, "model.beta": 4}'
    final = train.change(context, "toy", page(given=given))
    told = {name: final[name] for name in setup.OFTEN_CHANGED}
    assert told == {"steps": "77", "batch_size": "", "learning_rate": "0.004"}
    assert all(setup.a_number(text) for text in told.values() if text)
    final = settled(train.arrive(context, "toy", page(family="flow", **told)))
    assert json.loads(final.given) == {"train.steps": 77, "train.learning_rate": 0.004}
    assert final.form["given"] == {"train.steps": 77, "train.learning_rate": 0.004}
    assert "steps = 77" in final.code and final.family == "flow"
    # Another choice begins with settings of its own.
    final = train.choose(context, "toy", page(given=given))
    assert final.given == "{}" and final.steps == "" and final.form["given"] == {}
    # What has been changed on this page is not lost to a link.
    assert "form" not in settled(train.arrive(context, "toy", page(given=given)))
    for wrong in ("x", "nan", "inf", "1" * 30):
        with pytest.raises(ValueError):
            setup.a_number(wrong)
    final = settled(train.arrive(context, "toy", page(steps="-5")))
    assert final.steps == "-5" and "code" not in final
    with pytest.raises(ValueError, match="at least"):
        settled(train.estimate(context, "toy", page(given=final.given)))


def test_a_game_that_is_trained_here_leaves_a_film():
    described = setup.Described("digits", (1, 8, 8), (), 1500)
    for size in starts.SIZES:
        assert starts.start("gan", size, described).train.snapshots >= 16


def test_an_estimate_says_how_it_was_made_and_what_would_be_cut_short():
    report = {"parameters": 31_333, "megabytes": 466, "seconds_per_step": 0.03, "timed": 5,
              "total": 1000, "batch": 64}  # fmt: skip
    words, long = setup.estimate_words(report, minutes=10)
    assert (
        "31 k parameters, 466 MB, 30 ms" in words and "about 36 s" in words and "5 steps" in words
    )
    assert not long
    words, long = setup.estimate_words({**report, "total": 100_000}, minutes=10)
    assert long and "take about 20,000 steps" in words


def test_a_model_of_black_and_white_says_so_before_its_run():
    report = {"seconds_per_step": 0.1, "total": 10, "parameters": 1000, "megabytes": 0,
              "batch": 4, "timed": 5}  # fmt: skip
    words = "black and white only"
    assert words in setup.estimate_words({**report, "black_and_white": True}, 10)[0]
    assert words not in setup.estimate_words({**report, "black_and_white": False}, 10)[0]
