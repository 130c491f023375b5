"""A few-step student beside its teacher, in the Compare part and in what else shows it."""

from __future__ import annotations

import numpy as np
import pytest

import explorer
from explorer.page.part import settled
from explorer.server.abilities import few_steps, guides, most_steps, student_of
from explorer.tabs import denoise
from explorer.tabs.denoise import anagram, compare, student, watch
from explorer.tabs.sample import settings as sample_settings
from models.contract.abilities import FEW_STEPS
from tests import denoising, toys
from tests.denoising import pictures
from tests.explorer.tabs.denoise.test_denoise_compare import asked

WITH = [value for pair in student.COLUMNS for value in pair]


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    denoising.write(folder)
    denoising.write_student(folder, "pupil", of="asked")
    toys.write(folder, "orphan", "consistency", image=(1, 8, 8), **denoising.SMALL)
    return explorer.Context.create(folder, device="cpu")


def test_a_header_tells_who_learned_from_whom(context):
    headers = [context.store.header(name) for name in context.store.names]
    assert student_of(context.store.header("asked"), headers).name == "pupil"
    assert student_of(context.store.header("free"), headers) is None
    pupil = context.store.header("pupil")
    assert few_steps(pupil) and not guides(pupil) and most_steps(pupil) == FEW_STEPS
    assert guides(context.store.header("asked")) and not few_steps(context.store.header("asked"))


@pytest.mark.parametrize("name", ["asked", "pupil"])
def test_one_two_and_four_evaluations_stand_beside_the_teachers_twenty(context, name):
    final = settled(compare.show(context, name, asked(pairs=WITH)))
    assert final.finished is True
    rows = final.cost["rows"]
    assert [row["evaluations"] for row in rows] == [1, 2, 4, 20]
    # One evaluation is of the same path as the reference; more put fresh noise in.
    assert [row["own_way"] for row in rows] == [False, True, True, False]
    noisy = settled(compare.show(context, name, asked(pairs=WITH, shown="x"))).film["rows"]
    starts = [pictures(row["sprite"])[0] for row in noisy]
    assert all(np.array_equal(start, starts[0]) for start in starts), "from the same noise"


def test_both_models_give_the_same_columns(context):
    of, from_ = (settled(compare.show(context, n, asked(pairs=WITH))) for n in ("asked", "pupil"))
    for a, b in zip(of.film["rows"], from_.film["rows"], strict=True):
        assert np.array_equal(pictures(a["sprite"]), pictures(b["sprite"]))


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("free", {}, "no few-step student here"),
        ("asked", {"pairs": ("student", 9, "dpm", 4)}, "from 1 to 8"),
        ("asked", {"strength": 2.0}, "takes no guidance"),
        ("orphan", {"pairs": ("dpm", 4, "ddim", 4)}, "one way of sampling"),
    ],
)
def test_what_no_student_can_do_is_one_sentence(context, name, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        settled(compare.show(context, name, asked(**{"pairs": WITH, **change})))


def test_arriving_sets_the_columns_that_a_model_can_show(context):
    def columns(screen):
        return [screen[f"sampler{k}"]["value"] for k in compare.NUMBERS]

    usual = [sampler for sampler, _ in compare.DEFAULTS]
    theirs = [sampler for sampler, _ in student.COLUMNS]
    mine = [value for pair in compare.DEFAULTS for value in pair]

    def arrives(name, pairs):
        found = compare.arrive(context, name, asked(pairs=pairs))
        return {key: _as_dict(value) for key, value in found.items()}

    assert columns(arrives("asked", mine)) == usual
    assert columns(arrives("pupil", mine)) == theirs
    assert columns(arrives("asked", WITH)) == theirs
    assert columns(arrives("free", WITH)) == usual
    assert arrives("asked", mine)["beside"]["visible"] is True
    assert arrives("pupil", mine)["beside"]["visible"] is False
    assert arrives("free", mine)["beside"]["visible"] is False
    pressed = compare.set_columns(context, "asked", asked(pairs=mine))
    assert columns({key: _as_dict(value) for key, value in pressed.items()}) == theirs


def _as_dict(value):
    return value.constructor_args if hasattr(value, "constructor_args") else value


def test_the_code_shown_gives_the_last_columns_pictures(context):
    final = None
    for step in compare.show(context, "asked", asked(pairs=WITH)):
        final = step["code"] if step and "code" in step else final
    space: dict = {}
    exec(compile(final, "snippet", "exec"), space)
    assert len(space["differences"]) == 4
    fine = settled(compare.show(context, "asked", asked(pairs=WITH))).cost["rows"]
    for row, difference in zip(fine, space["differences"], strict=True):
        assert row["difference"] == pytest.approx(float(difference), abs=1e-4)


def test_the_other_parts_offer_what_it_takes(context):
    first = next(iter(watch.arrive(context, "pupil", watch_asked(20))))
    steps = _as_dict(first["steps"])
    assert steps["value"] == 4 and [k for _, k in steps["choices"]] == [1, 2, 3, 4, 5, 6, 8]
    assert (
        _as_dict(next(iter(watch.arrive(context, "asked", watch_asked(20))))["steps"])["value"]
        == 20
    )
    assert "not the mean" in anagram.lacking(context, "pupil")
    assert denoise.candidates(context, ["pupil", "asked", "free"]) == ["asked", "free", "pupil"]


def watch_asked(steps):
    from explorer.page.part import Asked

    return Asked(seed=0, count=1, sampler="dpm", steps=steps, guidance=1.0, label=-1, schedule="")


def test_the_sample_tab_refuses_more_steps_than_it_takes(context):
    from explorer.page.part import Asked

    def read(name, steps):
        wish = Asked(seed=0, count=4, temperature=1.0, label=-1, steps=steps, guidance=2.0,
                     truncation=None)  # fmt: skip
        return sample_settings.read_settings(context.store.header(name), wish)

    assert read("pupil", 2).knobs() == {"steps": 2}
    assert read("asked", 30).knobs() == {"steps": 30, "guidance": 2.0}
    with pytest.raises(ValueError, match="from 1 to 8"):
        read("pupil", 9)
