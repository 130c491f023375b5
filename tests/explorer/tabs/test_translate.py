"""The Translate tab's handlers, without a page."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import explorer
from explorer.page.part import settled
from explorer.tabs import translate
from models.data.datasets import digits
from tests import toys
from tests.denoising import pictures

TESTED = 40


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_translator(folder, "outlines")
    toys.write_translator(folder, "strokes", "strokes")
    toys.write_translator(folder, "wide", width=16)
    toys.write_judge(folder, "judge")
    toys.write(folder, "toy", data="digits", image=(1, 8, 8))
    real = digits("test").images[:TESTED].numpy()
    save_file({"pictures": real}, folder / "toy" / "codes.safetensors", {"n": str(TESTED)})
    built = explorer.Context.create(folder, device="cpu")
    explorer.build(built)
    return built


def asked(context, **values):
    return context.built["translate"].asked(**values)


def numbers(final, which: str = "numbers") -> dict[str, str]:
    return {item["name"]: item["values"][0] for item in final[which]["items"]}


def changes(final) -> dict[str, str]:
    return numbers(final, "changed")


def test_it_takes_what_translates_and_nothing_else(context):
    names = context.store.having(set(translate.NEEDS))
    assert set(names) == {"outlines", "strokes", "wide"}
    assert translate.candidates(context, names)[0] == "wide", "the largest to begin with"


def test_rows_are_what_the_model_makes_and_what_comes_back(context):
    final = settled(translate.arrive(context, "outlines", asked(context)))
    rows = {row["name"]: row for row in final.rows["rows"]}
    model = context.store.get("outlines")
    x = torch.from_numpy(digits("test").images[:TESTED].numpy()).float() / 255
    clothes = x[model.belonging(x)[0]]
    x = model.in_domain(clothes, "outline")
    shown = [pictures(rows[k]["sprite"]) / 255 for k in rows]
    there = model.translate(x, "outline to picture")
    back = model.translate(there, "picture to outline")
    for got, wanted in zip(shown, (x, there, clothes, back), strict=True):
        assert len(got) == translate.COUNT
        np.testing.assert_allclose(got, wanted[: translate.COUNT], atol=0.5 / 255 + 1e-6)
    error = (back - x).abs().mean((1, 2, 3))
    assert [float(c) for c in rows["And back"]["captions"]] == pytest.approx(
        error[: translate.COUNT].tolist(), abs=6e-4
    )
    told = numbers(final)
    mean, stderr = (float(part) for part in told["Cycle error"].split(" ± "))
    assert mean == pytest.approx(error.mean().item(), abs=6e-4)
    assert stderr == pytest.approx((error.std() / len(x) ** 0.5).item(), abs=6e-4)
    verdict = model.domain_verdict(there, "picture").mean().item()
    said = told["Verdict of the discriminator"].split(" ± ")[0]
    assert float(said) == pytest.approx(verdict, abs=6e-3)
    off = (there - clothes).abs().mean().item()
    said = told["Off what belongs there"].split(" ± ")[0]
    assert float(said) == pytest.approx(off, abs=6e-4)
    assert [words for words, _ in final.way.choices] == [
        "Outline to picture", "Picture to outline",
    ]  # fmt: skip


def test_the_way_back_begins_with_the_other_half(context):
    there = settled(translate.show(context, "outlines", asked(context)))
    back = settled(translate.show(context, "outlines", asked(context, way="back")))
    assert back.rows["rows"][0]["name"] == "Picture"
    belongs = pictures(there.rows["rows"][2]["sprite"])
    begun = pictures(back.rows["rows"][0]["sprite"])
    real = digits("test").images[:TESTED].numpy()
    for each in belongs:
        assert (each == real).all((1, 2, 3)).any(), "what belongs there is a test picture"
        assert not (each == begun).all((1, 2, 3)).any(), "no picture serves both"


@pytest.mark.parametrize("twist", ["mirror", "turned", "negative"])
@pytest.mark.parametrize("name", ["outlines", "strokes"])
def test_what_is_undone_on_the_way_back_changes_no_cycle(context, name, twist):
    plain = settled(translate.show(context, name, asked(context)))
    changed = settled(translate.show(context, name, asked(context, twist=twist)))
    same = {"Outline", "Thin", "And back"}
    for before, after in zip(plain.rows["rows"], changed.rows["rows"], strict=True):
        if before["name"] in same:
            assert before["sprite"] == after["sprite"]
            assert before.get("captions") == after.get("captions")
    before, after = (pictures(f.rows["rows"][1]["sprite"]).astype(int) for f in (plain, changed))
    undone = {
        "mirror": after[..., ::-1], "turned": after[..., ::-1, :], "negative": 255 - after,
    }[twist]  # fmt: skip
    assert np.abs(undone - before).max() <= 1 and not np.array_equal(after, before)
    assert numbers(changed)["Cycle error"] == changes(changed)["Cycle error"]
    assert "Cycle error" not in changes(plain)
    assert "The cycle error is " in changed.status["text"]


def test_noise_is_not_undone(context):
    plain = numbers(settled(translate.show(context, "outlines", asked(context))))
    noisy = settled(translate.show(context, "outlines", asked(context, noise=30, seed=3)))
    assert numbers(noisy) == plain
    assert changes(noisy)["Cycle error"] != plain["Cycle error"]
    assert "generator(3)" in noisy.code and noisy.code.count("clamp") == 1


def test_a_judge_reads_what_is_as_in_the_data_set(context):
    final = settled(translate.show(context, "strokes", asked(context, twist="mirror")))
    model, judge = context.store.get("strokes"), context.store.get("judge")
    x = torch.from_numpy(digits("test").images[:TESTED].numpy()).float() / 255
    x = x[model.belonging(x)[0]]
    made = model.translate(x, "thin to bold")
    with torch.no_grad():
        same = judge.classify(made.flip(3)).argmax(1) == judge.classify(x).argmax(1)
    assert changes(final)["Judge reads the same"] == f"{same.float().mean():.0%}"
    outlines = settled(translate.show(context, "outlines", asked(context, way="back")))
    assert not any("Judge" in name for name in numbers(outlines)), "it has never seen any"


def test_more_pictures_are_the_next_eight(context):
    first = settled(translate.show(context, "outlines", asked(context)))
    final = settled(translate.further(context, "outlines", asked(context)))
    assert final.first == 1 + translate.COUNT
    assert final.rows["rows"][0] != first.rows["rows"][0]
    assert numbers(final) == numbers(first), "the numbers are of all of them"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"way": "up"}, "there or back"),
        ({"twist": "x"}, "no way of changing"),
        ({"noise": 31}, "0 to 30 %"),
        ({"noise": float("nan")}, "0 to 30 %"),
        ({"first": 0}, "from 1 up"),
        ({"first": None}, "from 1 up"),
        ({"seed": -1}, "seed"),
        ({"source": "own", "pad": None}, "Draw a picture"),
    ],
)
def test_what_cannot_be_is_said(context, values, words):
    with pytest.raises(ValueError, match=words):
        settled(translate.show(context, "outlines", asked(context, **values)))


@pytest.mark.parametrize("values", [{}, {"twist": "negative", "noise": 10}, {"way": "back"}])
def test_the_code_gives_what_is_on_screen(context, values):
    final = settled(translate.show(context, "outlines", asked(context, **values)))
    scope: dict = {}
    exec(final.code, scope)
    told = changes(final) if values.get("twist") else numbers(final)
    said = told["Cycle error"].split(" ± ")[0]
    assert scope["error"].mean().item() == pytest.approx(float(said), abs=6e-4)
    assert torch.is_tensor(scope["verdict"])


def test_without_test_pictures_one_is_asked_to_draw(tmp_path, monkeypatch):
    monkeypatch.setattr(translate, "DATASETS", {})  # digits are somebody's own
    toys.write_translator(tmp_path, "alone")
    built = explorer.Context.create(tmp_path, device="cpu")
    explorer.build(built)
    with pytest.raises(ValueError, match="Draw one"):
        settled(translate.show(built, "alone", asked(built)))


def test_test_pictures_of_data_that_every_machine_has_are_always_there(tmp_path):
    toys.write_translator(tmp_path, "strokes", "strokes")
    alone = explorer.Context.create(tmp_path, device="cpu")
    explorer.build(alone)
    final = settled(translate.arrive(alone, "strokes", asked(alone)))
    assert final.status["kind"] != "problem"
    x = digits("test").images.float() / 255
    thin = x[alone.store.get("strokes").belonging(x)[0]]
    shown = pictures(final.rows["rows"][0]["sprite"]) / 255
    np.testing.assert_allclose(shown, thin[: translate.COUNT], atol=0.5 / 255 + 1e-6)
    assert "load_data('digits', 'test').images[:300] / 255" in final.code
    assert "load_data" in next(line for line in final.code.splitlines() if "import" in line)
