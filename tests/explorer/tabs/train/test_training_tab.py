"""The Train tab: data and settings, a run on the page, one's own pictures and models."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer.page.code import in_code
from explorer.page.part import Asked, settled
from explorer.server.jobs import Job, JobError, Jobs, Limits
from explorer.tabs import train
from explorer.tabs.train import brought, keep, pictures, running, setup, watch, yours
from explorer.tabs.train.mine import whose
from models.data import datasets
from models.training import starts
from models.training.recipe import from_dict, load_recipe
from tests import toys
from tests.conftest import noise
from tests.explorer.server.test_jobs import FAKE, LONG, until

CHOSEN = ("digits", "vae", "small")


def page(session="my page", **values) -> Asked:
    """What is asked from a page of this session."""
    first = {
        "data": "digits", "family": "vae", "size": "small", "given": "{}", "have": "", "told": {},
        "steps": "", "batch_size": "", "learning_rate": "",
        "files": [], "side": 28, "colour": "grey", "repo": "",
        "kept": None, "back": None, "target": "", "token": "",
    }  # fmt: skip
    return Asked(request=SimpleNamespace(session_hash=session), **{**first, **values})


@pytest.fixture
def context(tmp_path, alone):
    toys.write(tmp_path / "models", "toy")
    made = explorer.Context.create(tmp_path / "models", device="cpu", limits=Limits())
    made.visitors.jobs = Jobs(Limits(), command=FAKE)
    yield made
    made.visitors.close()


@pytest.fixture
def me(context):
    return context.visitors.arrive(None, "my page")


# -- choosing -------------------------------------------------------------------------------------


def test_what_is_here_can_be_chosen_and_the_rest_says_why_not(context, me):
    items = {item["key"]: item for item in setup.datasets(context, me)}
    assert not items["digits"]["off"] and not items["shapes"]["off"]
    assert "--data-dir" in items["mnist"]["off"]
    assert list(items)[-2:] == [setup.OWN, setup.HUB]


def test_every_family_that_samples_is_offered_by_itself_in_its_own_words(monkeypatch):
    offered = {item["key"]: item for item in setup.families()}
    assert {"vae", "diffusion", "autoregressive", "flow", "toy"} <= offered.keys()
    assert not offered.keys() & {"classifier", "reader"}
    assert offered["vae"]["title"] == "Variational autoencoder" and offered["vae"]["note"]


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


# -- a run ----------------------------------------------------------------------------------------


def ticked(context, told=None, session="my page"):
    return running.tick(context, "toy", page(session, told=told or {}))


def begin(context, visitor, recipe=LONG):
    visitor.job = context.visitors.jobs.start("mine", recipe, visitor.folder)
    return visitor.job


def test_start_moves_at_once_and_a_second_start_is_refused(context, me):
    final = running.start(context, "toy", page(given='{"train.steps": 5}'))
    assert final.status["kind"] == "busy" and final.timer.active and not final.ahead.visible
    assert me.job.order["recipe"]["train"]["steps"] == 5
    final = running.start(context, "toy", page())
    assert final.status["kind"] == "problem" and "goes on" in final.status["text"]
    assert final.timer.active  # a page that did not know of the run can stop it from here on
    until(lambda: not me.job.live)
    with pytest.raises(ValueError, match="must be a number"):
        running.start(context, "toy", page(given='{"train.steps": null}'))


def test_a_tick_sends_what_is_new_and_nothing_twice(context, me):
    job = begin(context, me)
    until(lambda: job.progress)
    job.tell("pause")
    until(lambda: job.state == "paused")
    first = ticked(context)
    assert first.curves["plots"][0]["lines"][0]["y"][0] == 1
    assert "Paused" in first.status["text"] and first.pause.value == "Go on"
    assert first.start.interactive is False and first.form["locked"] is True
    assert not first.ahead.visible
    assert ticked(context, first.told).keys() == {"status", "told"}
    running.one_step(context, "toy", page())
    until(lambda: job.version > first.told["version"] + 1)
    assert "curves" in ticked(context, first.told)
    assert "Stopping" in running.stop(context, "toy", page()).status["text"]
    until(lambda: not job.live)
    last = ticked(context, first.told)
    assert "Stopped at step" in last.status["text"] and last.timer.active is False
    assert last.start.interactive is True and last.form["locked"] is False


def test_another_page_of_the_same_visitor_sees_the_run_and_a_strangers_does_not(context, me):
    assert train.open_page(context, "toy", page(key=me.key)).ahead.visible
    begin(context, me)
    final = train.open_page(context, "toy", page("second page", key=me.key))
    assert final.timer.active and context.visitors.of("second page") is me
    assert not final.ahead.visible
    final = train.open_page(context, "toy", page("a stranger's page", key=None))
    assert not final.timer.active and final.ahead.visible
    assert context.visitors.of("a stranger's page").job is None
    assert ticked(context, session="a stranger's page").keys() == {"told", "timer"}


def test_a_run_goes_on_whatever_model_is_chosen_meanwhile(context, me):
    """Its part is about no model: nothing is loaded for it, nor falls silent."""
    explorer.build(context)
    request = page().request
    part = context.built["train"]
    [said] = part.call("tick", request, "another model", part.asked(request=request))
    assert said.timer.active is False and not context.store.loaded


def shown(step: int, n: int = 4) -> dict:
    import base64

    raw = np.full((n, 8, 8, 1), step, np.uint8).tobytes()
    packed = {"b64": base64.b64encode(raw).decode(), "n": n, "h": 8, "w": 8, "c": 1}
    scores = {"model_loss": 10.0 - step}
    return {"is": "shown", "step": step, "seconds": 0, "distance": 0.1, "codes": None,
            "pictures": {"samples": packed, "nearest": packed},
            "train": scores, "held_out": {"model_loss": 11.0 - step}}  # fmt: skip


def test_of_a_film_only_the_frames_that_the_browser_lacks_are_sent(tmp_path):
    job = Job("mine", {}, tmp_path)
    for step in range(6):
        job.apply(shown(step))
    whole, rest = watch.film(job), watch.film(job, 4)
    assert whole["rows"][0]["sprite"]["n"] == 6 and whole["from"] == 0
    assert rest["rows"][0]["sprite"]["n"] == 2 and rest["from"] == 4
    assert rest["rows"][0]["captions"] == ["step 4", "step 5"]
    assert [row["name"] for row in whole["rows"]] == ["Samples", "Training pictures"]
    for step in range(6, 60):
        job.apply(shown(step))
    steps = [frame["step"] for frame in job.frames]
    assert len(steps) <= 40 and steps[0] == 0 and steps[-1] == 59 and steps == sorted(set(steps))
    assert watch.film(job)["run"] != whole["run"]


def test_the_gap_between_learned_and_learned_by_heart_is_told(tmp_path):
    job = Job("mine", {}, tmp_path)
    job.started = {"total": 10}
    for step in range(4):
        job.apply(shown(step))
    [plot] = watch.curves(job)["plots"]
    assert plot["note"] == "gap +1" and plot["range"] == [0, 10]
    assert plot["lines"][0]["y"] == [11, 10, 9, 8] and plot["lines"][1]["y"] == [10, 9, 8, 7]


def test_what_is_steered_during_a_run_reaches_it_once(me, tmp_path):
    begun = setup.recipe_of(me, *CHOSEN)
    job, told = Job("mine", {"recipe": begun.to_dict()}, tmp_path), []
    job.started = {"live": {"beta": 1.0, "free_bits": 0.0}}
    job.tell = lambda do, **values: told.append((do, values))
    changed = setup.recipe_of(me, *CHOSEN, '{"train.learning_rate": 0.03, "model.beta": 2}')
    running.steer(job, changed)
    assert told == [("rate", {"value": pytest.approx(10)}), ("tune", {"values": {"beta": 2.0}})]
    running.steer(job, changed)
    assert len(told) == 2
    running.steer(job, begun)
    assert told[2:] == [("rate", {"value": 1.0}), ("tune", {"values": {"beta": 1.0}})]


# -- one's own pictures ---------------------------------------------------------------------------


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


def test_a_model_of_black_and_white_says_so_before_its_run():
    report = {"seconds_per_step": 0.1, "total": 10, "parameters": 1000, "megabytes": 0,
              "batch": 4, "timed": 5}  # fmt: skip
    words = "black and white only"
    assert words in setup.estimate_words({**report, "black_and_white": True}, 10)[0]
    assert words not in setup.estimate_words({**report, "black_and_white": False}, 10)[0]


@pytest.mark.parametrize("repo", ["", "mnist", "../etc", "a/..", "/etc/passwd", "a/b/c", ".a/b"])
def test_only_the_name_of_a_data_set_on_the_hub_is_looked_up(context, me, monkeypatch, repo):
    monkeypatch.setattr(brought, "_small_enough", lambda repo: pytest.fail("it was looked up"))
    with pytest.raises(ValueError, match="owner/name"):
        settled(brought.bring_hub(context, "toy", page(repo=repo)))


# -- afterwards -----------------------------------------------------------------------------------


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
    import base64

    ticked(context)
    [name] = me.models
    file = yours.save(context, "toy", page(kept=name), "zip")
    path = tmp_path / file["name"]
    path.write_bytes(base64.b64decode(file["b64"]))
    with zipfile.ZipFile(path) as archive:
        assert {"tiny/model.safetensors", "tiny/recipe.toml", "tiny/card.md"} <= set(
            archive.namelist()
        )
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


def test_pushing_needs_a_model_a_name_and_a_token_and_keeps_no_token(
    context, me, finished, monkeypatch, caplog
):
    ticked(context)
    [name] = me.models
    for (kept, target, token), words in (
        (("none", "me/x", "hf_secret"), "Train a model first"),
        ((name, "me/x", ""), "token"),
        ((name, "x", "hf_secret"), "owner/name"),
    ):
        steps = yours.push(context, "toy", page(kept=kept, target=target, token=token))
        assert next(steps).token == ""
        with pytest.raises(ValueError, match=words):
            next(steps)
    calls = []

    class Api:
        def __init__(self, token):
            calls.append(("token", token))

        def create_repo(self, repo, **_):
            calls.append(("create", repo))

        def upload_folder(self, **given):
            calls.append(("folder", given["folder_path"], sorted(given["allow_patterns"])))

        def upload_file(self, **given):
            calls.append(("file", given["path_in_repo"]))

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    asked = page(kept=name, target="me/x", token="hf_secret")
    final = settled(yours.push(context, "toy", asked))
    said = final.status
    assert said["kind"] == "plain" and said["text"].endswith("me/x") and final.token == ""
    assert calls[0] == ("token", "hf_secret") and calls[1] == ("create", "me/x")
    assert "model.safetensors" in calls[2][2] and calls[3] == ("file", "README.md")
    assert "hf_secret" not in caplog.text


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


# -- the page -------------------------------------------------------------------------------------


def test_a_server_without_training_has_no_such_tab(tmp_path):
    toys.write(tmp_path, "toy")
    off = explorer.Context.create(tmp_path, limits=Limits(jobs=0))
    explorer.build(off)
    assert "train" not in off.titles and "sample" in off.titles
    on = explorer.Context.create(tmp_path)
    explorer.build(on)
    assert "train" in on.titles


def test_a_page_that_was_away_too_long_begins_anew(context):
    visitor = whose(context, page("old"))
    assert whose(context, page("old")) is visitor


@pytest.mark.parametrize("option", ["--max-jobs=0", "--max-jobs=x", "--max-train-minutes=-1"])
def test_limits_on_the_command_line_are_checked(option, capsys):
    import app

    with pytest.raises(SystemExit) as end:
        app.arguments([option])
    assert end.value.code == 2 and "no whole number" in capsys.readouterr().err
    assert sys.modules["app"] is app
