"""The Denoise tab's Two readings, without a page."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import torch

import explorer
from explorer.page.part import settled
from explorer.tabs.denoise import anagram
from models.codes.anagrams import MOST_STRENGTH, anagram_steps
from models.codes.anagrams import VIEWS as KNOWN
from models.contract.random import generator
from tests import denoising, toys
from tests.denoising import pictures


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    denoising.write(folder)
    more = {"image": (1, 8, 8), "num_classes": 10, **denoising.SMALL}
    toys.write(folder, "digits", "diffusion", "digits", **more)
    toys.write_judge(folder, "judge")
    context = explorer.Context.create(folder, device="cpu")
    explorer.build(context)
    yield context
    context.visitors.close()


def asked(context, **values):
    return context.built["denoise_anagram"].asked(**{"steps": 10, **values})


def test_the_pictures_are_the_sciences_and_the_second_row_is_turned(context):
    final = settled(anagram.show(context, "digits", asked(context, view="half turn", seed=3)))
    model = context.store.get("digits")
    views = ["upright", "half turn"]
    *_, frame = anagram_steps(model, 4, generator(3), [6, 9], views, [1.5, 1.5], 10)
    shown = pictures(final.table["sprite"])
    assert np.array_equal(shown[:4], np.rint(frame.x.numpy() * 255))
    assert np.array_equal(shown[4:], shown[:4, :, ::-1, ::-1])
    assert [row["name"] for row in final.table["rows"]] == ["Upright", "Turned by half"]
    assert len(final.film["rows"][0]["captions"]) == 11 and final.film["running"] is False


def test_the_judge_reads_both_ways(context):
    final = settled(anagram.show(context, "digits", asked(context, first=1, second=2)))
    shown = torch.from_numpy(pictures(final.table["sprite"]) / 255).float()
    with torch.no_grad():
        labels = context.store.get("judge").classify(shown).argmax(1)
    for k, note in enumerate(final.table["notes"]):
        upright, turned = (part.split()[0] for part in note.split(", "))
        assert (int(upright), int(turned)) == (labels[k], labels[k + 4])
    both = int(((labels[:4] == 1) & (labels[4:] == 2)).sum())
    assert final.status["text"].startswith(f"The judge reads {both} of 4 as 1,")


def test_without_a_judge_there_are_the_pictures(context):
    final = settled(anagram.show(context, "asked", asked(context, first=0, second=1)))
    assert final.table["notes"] == [""] * 4 and "judge" not in final.status["text"]


def test_models_without_classes_are_turned_down_in_a_sentence(context):
    part = context.built["denoise_anagram"]
    assert "cannot be asked for a class" in part.refusal("free")
    assert part.refusal("digits") == ""


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"first": 10}, "two of the 10 classes"), ({"view": "inside out"}, "second reading"),
     ({"strength": -1}, "strength must be"), ({"steps": 0}, "steps from 1"),
     ({"seed": -1}, "seed must be")],
)  # fmt: skip
def test_bad_input_is_one_sentence(context, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        settled(anagram.show(context, "digits", asked(context, **change)))


def test_classes_come_with_the_model_and_again_takes_the_next_seed(context):
    part = context.built["denoise_anagram"]
    final = settled(part.call("arrive", None, "digits", asked(context, first=77, second=None)))
    assert (final.first.value, final.second.value) == (6, 9) and len(final.first.choices) == 10
    assert settled(anagram.again(context, "digits", asked(context, seed=4))).seed == 5


def test_the_code_shown_gives_the_pictures_and_the_verdicts(context):
    final = settled(anagram.show(context, "digits", asked(context, view="quarter turn")))
    scope: dict = {}
    exec(final.code, scope)
    shown = pictures(final.table["sprite"])
    assert np.array_equal(shown[:4], np.rint(scope["upright"].numpy() * 255))
    assert np.array_equal(shown[4:], np.rint(scope["turned"].numpy() * 255))
    assert scope["chances"][0].shape == (4, 10)


@pytest.mark.parametrize(("kind", "begins"), [("png", b"\x89PNG"), ("gif", b"GIF8")])
def test_both_readings_can_be_saved(context, kind, begins):
    saved = anagram.save(context, "digits", asked(context), kind)
    assert base64.b64decode(saved["b64"]).startswith(begins)


def test_what_the_page_offers_is_what_the_science_has():
    assert set(anagram.VIEWS) == set(KNOWN) and anagram.MOST_STRENGTH <= MOST_STRENGTH
