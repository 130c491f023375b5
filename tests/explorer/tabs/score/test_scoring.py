"""The Score tab without a page: its handlers, as plain functions of plain values."""

from __future__ import annotations

import base64
import csv
import dataclasses
import io
import re
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score

import explorer
from explorer.components.verdict.verdict import ALARM, choice_text, read_choice
from explorer.page import examples
from explorer.page.part import Asked, Screen, settled
from explorer.tabs.score import beside, lesson, many, one, scored
from models.checkpoints import weights
from models.checkpoints.header import read_header
from models.checkpoints.reference import Reference, save_reference
from models.contract.random import generator
from models.scores.scores import score
from tests import toys
from tests.denoising import drawing, pictures
from tests.pictures import encoded

OTHERS = ("mnist", "noise")
DIFFUSION = {"family": "diffusion", "image": (1, 8, 8), "data": "digits", "width": 8, "middle": 1}
LESSON = Asked(model=None, guess="clothes", followed="")


def numbered(folder, name: str, space: str, data: str | None = None) -> None:
    """Says in a checkpoint's header what its likelihood is of, and what data it learned."""
    header = read_header(folder / name)
    facts = {"value": 81.2, "n": 10, "space": space, "kind": "exact"}
    told = {**header.data, "name": data or header.data["name"]}
    header = dataclasses.replace(header, metrics={"nll_nats": facts}, data=told)
    weights.save(weights.load(folder / name), header, folder / name)


def with_reference(folder, name: str, names=("likelihood", "complexity")) -> None:
    """Measures the model's own samples as its test pictures, and others, as ``evaluate`` does."""
    model, rng = weights.load(folder / name), generator(3)
    sets = {"train": model.sample(40, rng), "test": model.sample(60, rng)}
    sets |= {other: torch.rand(40, *model.image_shape, generator=rng) for other in OTHERS}
    found = {
        (key, kind): each.values.numpy().astype(np.float32)
        for kind, x in sets.items()
        for key, each in score(model, x, names, generator(1)).items()
    }
    save_reference(Reference(tuple(sets), "complexity", found), folder / name)


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    """Models of 8 x 8: "binary" and "grey" with a reference, "bare" without, "toy" of digits."""
    folder = tmp_path_factory.mktemp("scored")
    toys.write_writer(folder, "binary")
    toys.write_writer(folder, "grey", pixels="logistic", components=2, levels=256)
    toys.write_writer(folder, "bare", num_classes=0)
    toys.write(folder, "toy", image=(1, 8, 8))
    numbered(folder, "binary", "binary")
    numbered(folder, "grey", "uint8", "fashion-mnist")
    with_reference(folder, "binary")
    with_reference(folder, "grey")
    return explorer.Context.create(folder, device="cpu")


PLAIN = Asked(
    source="sample",
    choice=0,
    pad=None,
    score=None,
    seed=0,
    threshold="0.05~noise",
    there=True,
    readers="all",
)
MANY = Asked(files=None, polarity="auto", score=None, alarm=5, seed=0)


def shown(context, name="grey", **given) -> Screen:
    return settled(one.show(context, name, PLAIN.but(**given)))


def floats(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


def facts(value) -> dict[str, str]:
    return {item["name"]: item["values"][0] for item in value["items"]}


# -- what a threshold is worth --------------------------------------------------------------------


@pytest.mark.parametrize("alarm", [0, 0.01, 0.05, 0.333, 0.5, 1])
def test_no_more_own_pictures_are_flagged_than_was_agreed(alarm):
    own = np.random.default_rng(0).normal(size=200).astype(np.float32)
    limit = scored.limit_of(own, alarm)
    flagged = sum(scored.judged(float(v), own, alarm).strange for v in own)
    assert flagged == (own > limit).sum() <= alarm * 200
    assert flagged >= min(alarm * 200 - 1, 199)  # and no fewer than can be


def test_a_percentile_counts_ties_half():
    own = np.array([1, 2, 2, 3], np.float32)
    places = [scored.judged(v, own, 0.05).percentile for v in (0, 1, 2, 2.5, 9)]
    assert places == [0, 0.125, 0.5, 0.75, 1]


@pytest.mark.parametrize("text", ["", "0.05", "2~mnist", "nan~mnist", "0.05~<b>", None, "0.1~a~b"])
def test_a_threshold_that_is_none_is_the_usual_one(text):
    assert read_choice(text) == (ALARM, "")
    with pytest.raises(ValueError, match="no threshold"):
        choice_text(str(text))


def test_a_threshold_of_an_address_is_read():
    assert read_choice(choice_text("0.025~omniglot-small")) == (0.025, "omniglot-small")


# -- one picture ----------------------------------------------------------------------------------


def test_examples_need_no_data_and_their_code_gives_them(context):
    found = examples.examples(context, "grey")
    assert 10 <= len(found) <= 16
    assert {"noise", "stripes", "one level of grey"} <= {each.words for each in found}
    shelf = examples.as_shelf(context, "grey", 3)
    assert shelf["n"] == len(shelf["names"]) == len(found) and shelf["selected"] == 3
    for each in found:
        scope: dict = {"load": weights.load, "model": context.store.get("grey")}
        exec("import torch\nfrom models import generator, uniform", scope)
        exec(each.code, scope)
        assert np.array_equal((scope["x"][0] * 255).round().byte().numpy(), each.pixels), each.words


def test_the_numbers_are_those_of_the_model_itself(context):
    screen = shown(context, score="likelihood")
    maps, verdict = screen.maps, screen.verdict
    model = context.store.get("grey")
    x = torch.from_numpy(examples.examples(context, "grey")[0].pixels[None] / np.float32(255))
    exact = score(model, x, ["likelihood"], generator(0, 0))["likelihood"]
    assert screen.there and screen.status["kind"] == "plain"
    assert verdict["value"] == pytest.approx(exact.values.item(), abs=1e-3)
    nats = facts(screen.facts)["−log p(x), exact"]
    assert nats == f"{exact.values.item():,.1f} nats"
    bits = exact.values.item() / 64 / np.log(2)
    assert float(facts(screen.facts)["Bits per dimension"]) == pytest.approx(bits, abs=1e-3)
    assert [one["name"] for one in maps["maps"]] == [
        "What the model sees", "Which pixels surprise it", "Lower half, completed"]  # fmt: skip
    assert floats(maps["maps"][1]["values"]).sum() == pytest.approx(verdict["value"], rel=1e-4)
    scope: dict = {}
    exec(screen.code, scope)
    assert scope["strangeness"] == pytest.approx(verdict["value"], abs=1e-3)
    own = scored.at_once(context, "grey", "likelihood")[0].values
    wanted = (own <= verdict["value"]).mean()
    assert scope["percentile"] == pytest.approx(wanted, abs=1e-6)


def test_the_completion_keeps_the_upper_half(context):
    maps = shown(context, choice=2).maps
    given, made = (pictures(maps["maps"][k]["picture"])[0] for k in (0, 2))
    assert np.array_equal(given[:, :4], made[:, :4]) and not np.array_equal(given, made)


def test_sets_are_the_measured_ones_and_tell_the_same_as_a_library(context):
    verdict = shown(context).verdict
    assert [each["key"] for each in verdict["sets"]] == ["test", "mnist", "noise", "train"]
    assert verdict["title"] == "Input complexity" and verdict["against"] == "mnist"
    ours, theirs = (floats(verdict["sets"][k]["values"]) for k in (0, 2))
    area = np.mean([scored.judged(float(v), ours, 0.05).percentile for v in theirs])
    labels = np.r_[np.zeros(len(ours)), np.ones(len(theirs))]
    assert area == pytest.approx(roc_auc_score(labels, np.r_[ours, theirs]), abs=1e-6)


def test_a_damaged_reference_is_as_none(context, tmp_path, caplog):
    folder = toys.write_writer(tmp_path, "broken")
    (folder / "scores.safetensors").write_bytes(b"nothing of the kind")
    damaged = explorer.Context.create(tmp_path, device="cpu")
    assert scored.reference(damaged, "broken") is None and "damaged" in caplog.text
    assert scored.offered(damaged, "broken")[0] == "likelihood"


def test_without_a_reference_crowds_are_scored_now_and_it_says_so(context):
    screen = shown(context, "bare")
    verdict, said = screen.verdict, facts(screen.facts)
    assert "No test pictures were measured" in verdict["note"]
    assert verdict["sets"][0]["key"] == "samples" and len(verdict["sets"]) >= 2
    assert len(floats(verdict["sets"][0]["values"])) == 64
    assert "Bits per dimension" not in said and said["Measured on"] == "black and white"


def test_a_drawing_is_scored(context):
    screen = shown(context, source="own", pad=drawing())
    assert np.isfinite(screen.verdict["value"]) and "Your picture" in screen.status["text"]
    assert screen.maps["maps"][0]["note"] == "your picture"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"source": "own"}, "Draw a picture"),
        ({"source": "own", "pad": {"kind": "file", "name": "a.png", "b64": "aGk="}}, "'a.png'"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"seed": -1}, "seed must be a whole number"),
    ],
)
def test_what_cannot_be_scored_is_a_sentence_and_the_page_stays(context, change, sentence):
    steps = one.show(context, "grey", PLAIN.but(**change))
    assert next(steps) == {"there": False}  # nothing is compared
    with pytest.raises(ValueError, match=sentence):
        next(steps)


def test_a_score_that_a_model_lacks_becomes_its_usual_one(context):
    assert scored.read_score(context, "grey", "energy") == "complexity"
    assert scored.read_score(context, "bare", "complexity") == "complexity"
    assert scored.read_score(context, "bare", None) == scored.default_score(context, "bare")
    choices = dict(one.score_control(context, "grey", "likelihood").choices)
    assert choices == {"Likelihood": "likelihood", "Input complexity (default)": "complexity"}


def test_the_next_example_comes_around(context):
    last = len(examples.examples(context, "grey")) - 1
    following = settled(one.another(context, "grey", PLAIN.but(choice=last, source="own")))
    assert (following.choice, following.source, following.shelf["selected"]) == (0, "sample", 0)
    assert following.maps["maps"][0]["note"] == "its own sample 1"
    assert examples.next_example(context, "grey", "nonsense")[0] == 0


def test_a_model_comes_on_screen_with_its_shelf_its_scores_and_a_picture(context):
    screen = settled(one.arrive(context, "binary", PLAIN.but(score="energy", choice=3)))
    assert screen.shelf["selected"] == 3 and screen.score.value == "complexity" and screen.there
    explained = one.explain(context, "binary", PLAIN.but(score="energy"))
    assert explained.score.info == scored.help_of("energy")


def test_models_side_by_side_are_grouped_by_what_was_measured(context):
    screen = settled(one.beside_it(context, "grey", PLAIN))
    table = screen.table
    rows = {row["cells"][0][0]: row for row in table["rows"]}
    assert set(rows) == {"Grey", "Binary", "Bare"} and table["rows"][0]["on"]
    assert rows["Grey"]["group"] == "Measured on 256 levels"
    assert rows["Binary"]["group"] == rows["Bare"]["group"] == "Measured on black and white"
    assert rows["Binary"]["cells"][2][0] == "–" and float(rows["Grey"]["cells"][2][0]) > 0
    assert rows["Bare"]["cells"][-1][0] == "not measured"
    assert rows["Grey"]["cells"][-1][0] in ("ordinary", "strange")
    assert "3 models" in screen.said["text"]
    assert not list(one.beside_it(context, "grey", PLAIN.but(there=False)))
    alone = settled(one.beside_it(context, "grey", PLAIN.but(readers="one")))
    assert alone.table is None and alone.said["text"] == "", "nobody asked for the others"


def test_the_numbers_can_be_taken_away(context):
    file = one.save(context, "grey", PLAIN, "csv")
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(file["b64"]).decode("utf-8-sig"))))
    own = {row["score"]: row for row in rows if row["model"] == "grey"}
    assert set(own) == {"likelihood", "complexity"} and own["likelihood"]["kind"] == "exact"
    assert {row["model"] for row in rows} == {"grey", "binary", "bare"}
    file = one.save(context, "grey", PLAIN, "png")
    with Image.open(io.BytesIO(base64.b64decode(file["b64"]))) as picture:
        assert picture.size == (3 * 224 + 2 * 8, 224)


def test_a_spreadsheet_runs_no_name():
    text = beside.as_csv([{"file": "=cmd()", "value": -1.5}]).decode("utf-8-sig")
    assert text.splitlines()[1] == "'=cmd(),-1.5"


# -- many pictures --------------------------------------------------------------------------------


def table_of(context, files, name="grey", **given) -> tuple[dict, dict]:
    """(table, status) once all is scored."""
    final = settled(many.show(context, name, MANY.but(files=files, **given)))
    return final.table, final.status


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Nineteen pictures and one that is none."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    for k in range(19):
        levels = rng.integers(0, 256, (8, 8), np.uint8)
        (folder / f"p{k:02}.png").write_bytes(encoded(Image.fromarray(levels)))
    (folder / "bad.png").write_bytes(b"<html>not a picture")
    return sorted(str(path) for path in folder.iterdir())


def test_one_bad_file_among_twenty_is_named_and_nineteen_are_scored(context, files):
    table, status = table_of(context, files)
    scored_rows = [row for row in table["rows"] if "says" not in row]
    (bad,) = (row for row in table["rows"] if "says" in row)
    assert len(scored_rows) == table["sprite"]["n"] == 19
    assert bad["cells"][0][0] == "bad.png" and "bad.png" in bad["says"]
    assert "19 pictures" in status["text"] and "1 could not be used" in status["text"]
    names = [row["cells"][0][0] for row in scored_rows]
    assert names == [f"p{k:02}.png" for k in range(19)]


def test_the_same_files_and_seed_give_the_same_scores_wherever_they_are_shown(context, files):
    table, _ = table_of(context, files, score="likelihood")
    final = settled(many.again(context, "grey", MANY.but(files=files, score="likelihood")))
    again, seed = final.table, final.seed
    column = [row["cells"][3][1] for row in table["rows"][:19]]
    with Image.open(files[1]) as picture:
        pixels = np.asarray(picture)[None]
    x = scored.scored(context, "grey", pixels[None], ["likelihood"], 0)["likelihood"].values
    assert column[0] == pytest.approx(float(x[0]), rel=1e-5)  # exact, so no seed matters
    assert seed == 1 and column == [row["cells"][3][1] for row in again["rows"][:19]]


@pytest.mark.parametrize("by", ["likelihood", "several"])
def test_the_code_gives_the_scores_of_the_first_pictures(context, files, by):
    final = settled(many.show(context, "grey", MANY.but(files=files, score=by)))
    table, scope = final.table, {}
    exec(final.code, scope)
    told = scope["strangeness"]
    shown = [row["cells"][3][1] for row in table["rows"] if "says" not in row]
    assert len(told) == scored.PART
    assert told == pytest.approx(shown[: len(told)], rel=1e-4)
    examples_too = settled(many.show(context, "grey", MANY.but(files=None, score=by)))
    assert compile(examples_too.code, "snippet", "exec")


def test_without_files_the_examples_are_scored(context):
    table, status = table_of(context, None, "bare")
    assert len(table["rows"]) == len(examples.examples(context, "bare"))
    assert "examples" in status["text"] and table["rows"][0]["cells"][1][0] == "not measured"


def test_zips_count_and_what_is_too_many_is_told(context, tmp_path, monkeypatch):
    monkeypatch.setattr(many.images, "MAX_MANY", 5)
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(7):
            archive.writestr(f"{k}.png", encoded(Image.new("L", (8, 8), 30 * k)))
    table, _ = table_of(context, [str(path)])
    assert table["sprite"]["n"] == 5 and any("says" in row for row in table["rows"])


def test_nothing_but_bad_files_is_a_problem_with_a_list(context, files):
    bad = [path for path in files if "bad" in path]
    seen = []
    with pytest.raises(ValueError, match="None of these files"):
        seen.extend(many.show(context, "grey", MANY.but(files=bad)))
    assert len(seen[-1].table["rows"]) == 1


@pytest.mark.parametrize("alarm", [-1, 101, None, float("nan")])
def test_a_share_of_false_alarms_that_is_none_is_refused(context, alarm):
    with pytest.raises(ValueError, match="false alarms"):
        table_of(context, None, alarm=alarm)


def test_the_table_can_be_taken_away_with_what_failed(context, files):
    file = many.save(context, "grey", MANY.but(files=files), "csv")
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(file["b64"]).decode("utf-8-sig"))))
    assert len(rows) == 2 * 19 + 1
    assert rows[-1]["file"] == "bad.png" and rows[-1]["problem"]
    assert all(0 <= float(row["percentile"]) <= 100 for row in rows[:-1])


# -- the lesson -----------------------------------------------------------------------------------


def test_the_lesson_takes_models_of_clothes_with_256_levels(context):
    assert lesson.able(context) == ["grey"]
    screen = settled(lesson.arrive(context, "binary", LESSON))
    assert screen.model == "grey" and len(screen.pictures["places"]) == 16
    assert "digits by Toy" in screen.status["text"]


def test_the_lesson_follows_the_model_of_the_header_where_that_fits(tmp_path):
    for name in ("one", "two"):
        toys.write_writer(tmp_path, name, pixels="logistic", components=2, levels=256)
        numbered(tmp_path, name, "uint8", "fashion-mnist")
    toys.write(tmp_path, "toy", image=(1, 8, 8))
    context = explorer.Context.create(tmp_path, device="cpu")

    def arrived(name, **given) -> Screen:
        return settled(lesson.arrive(context, name, LESSON.but(**given)))

    assert arrived("two").model == "two" and arrived("toy").model == "one"
    # A link's choice stands until another model is chosen in the header.
    assert arrived("two", model="one").model == "one"
    followed = arrived("two", model="one", followed="one")
    assert followed.model == followed.followed == "two" and not followed.answer.visible
    assert arrived("toy", model="two", followed="two").model == "two"
    assert "answer" not in arrived("two", model="one", followed="two")


def test_it_asks_for_a_guess_first(context):
    with pytest.raises(ValueError, match="Make a guess first"):
        settled(lesson.reveal(context, "grey", LESSON.but(model="grey", guess=None)))
    with pytest.raises(ValueError, match="Choose a model of Fashion-MNIST"):
        settled(lesson.reveal(context, "grey", LESSON.but(model="toy")))


def test_what_is_revealed_was_computed(context):
    # The header may show another model.
    screen = settled(lesson.reveal(context, "binary", LESSON.but(model="grey")))
    likely, points, corrected = screen.likely, screen.points, screen.corrected
    assert screen.status["kind"] == "plain" and screen.answer.visible
    clothes, digits = (floats(likely["sets"][k]["values"]) for k in (2, 3))
    assert len(clothes) == len(digits) == 64
    model = context.store.get("grey")
    x = torch.from_numpy(examples.drawn(context, "toy")[:1] / np.float32(255))
    exact = score(model, x, ["likelihood"], generator(0))["likelihood"].values.item()
    assert digits[0] == pytest.approx(exact, rel=1e-4)
    # Of real pictures where they were measured: these are the headline.
    stored = scored.reference(context, "grey")
    real = [stored.values("likelihood", kind) for kind in ("test", "mnist")]
    area = roc_auc_score(np.r_[np.zeros(60), np.ones(40)], np.concatenate(real))
    assert f"AUROC of **{area:.3f}**" in screen.text
    assert [each["key"] for each in likely["sets"]] == ["test", "mnist", "clothes", "digits"]
    group = points["groups"][1]
    lengths = score(model, x, ["complexity"], generator(0))["complexity"].details
    shortest = min(float(bits) for bits in lengths.values())
    assert group["x"][0] == pytest.approx(shortest / 64, abs=1e-3)
    assert group["y"][0] == pytest.approx(exact / 64 / np.log(2), abs=1e-3)
    gain = floats(corrected["sets"][3]["values"])[0]
    assert gain == pytest.approx(exact - shortest * np.log(2), rel=1e-3)


def test_without_a_model_of_clothes_there_is_a_sentence(tmp_path):
    toys.write_writer(tmp_path, "only")
    context = explorer.Context.create(tmp_path, device="cpu")
    with pytest.raises(ValueError, match="trained on Fashion-MNIST"):
        settled(lesson.arrive(context, "only", LESSON))


def test_the_code_shown_gives_the_areas(context, capsys):
    screen = settled(lesson.reveal(context, "grey", LESSON.but(model="grey")))
    exec(screen.code, {})
    shown = [float(re.search(r"value=([\d.]+)", line).group(1))
             for line in capsys.readouterr().out.splitlines()]  # fmt: skip
    batch, _ = lesson.pictures(context, "grey")
    *_, batch = lesson.scores(context, "grey", batch)
    assert shown == pytest.approx(list(lesson.separation(batch)), abs=0.02)


# -- other families -------------------------------------------------------------------------------


def test_a_diffusion_model_is_scored_and_asked_what_it_would_put_there(tmp_path):
    toys.write(tmp_path, "tiny", **DIFFUSION)
    context = explorer.Context.create(tmp_path, device="cpu")
    screen = shown(context, "tiny", choice=1)
    assert screen.there and screen.status["kind"] == "plain"
    given, made = (pictures(screen.maps["maps"][k]["picture"])[0] for k in (0, -1))
    assert screen.maps["maps"][-1]["name"] == "Lower half, completed"
    assert given.shape == made.shape and np.isfinite(screen.verdict["value"])
    file = one.save(context, "tiny", PLAIN.but(choice=1), "png")
    assert file["name"].startswith("tiny-")


def test_the_background_of_a_ratio_is_loaded_within_the_bound(tmp_path):
    toys.write_writer(tmp_path, "seen")
    header = read_header(toys.write_writer(tmp_path, "behind"))
    recipe = {**header.recipe, "background": True}
    weights.rewrite_header(tmp_path / "behind", dataclasses.replace(header, recipe=recipe))
    model, behind = (weights.load(tmp_path / name) for name in ("seen", "behind"))
    x = model.sample(20, generator(3))
    found = score(model, x, ["ratio"], generator(1), None, behind)["ratio"].values
    measured = {("ratio", "test"): found.numpy()}
    save_reference(Reference(("test",), "ratio", measured), tmp_path / "seen")

    context = explorer.Context.create(tmp_path, device="cpu")
    assert context.store.names == ["seen"] and "ratio" in scored.offered(context, "seen")
    pixels = (x * 255).round().byte().numpy()
    ours = scored.scored(context, "seen", pixels, ["ratio"], 1)["ratio"].values
    assert ours == pytest.approx(found.numpy(), abs=1e-3)
    assert context.store.loaded == ["seen", scored.background(context, "seen")]
    assert scored.background(context, "seen") not in context.store.names


def test_colour_and_codes_work_too(tmp_path):
    small = {"latent": 3, "width": 8, "blocks": 1, "hidden": 8, "halvings": 1}
    toys.write(tmp_path, "vae", family="vae", image=(1, 8, 8), **small)
    colour = {"network": "gated", "width": 6, "layers": 2, "pixels": "categorical", "levels": 3}
    toys.write(tmp_path, "colour", family="autoregressive", image=(3, 4, 4), **colour)
    context = explorer.Context.create(tmp_path, device="cpu")
    screen = shown(context, "vae")
    assert screen.status["kind"] == "plain", screen.status["text"]
    assert screen.maps["maps"][2]["name"] == "Its code gives back"
    said = facts(screen.facts)
    assert any("estimated" in term for term in said) and "Standard error" in said
    maps = shown(context, "colour").maps
    assert len(maps["maps"]) == 3 and pictures(maps["maps"][0]["picture"]).shape[1] == 3
