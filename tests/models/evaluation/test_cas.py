"""What a classifier learns from samples alone."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from models.data.datasets import Dataset
from models.evaluation import cas


def bars(n: int, seed: int, kinds: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """A bright bar that lies (0), or stands (1), anywhere: bytes, and which."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % kinds
    images = 60 * torch.rand(n, 1, 8, 8, generator=rng)
    for image, label, at in zip(images, labels, torch.randint(8, (n,), generator=rng), strict=True):
        image[0].select(int(label), int(at)).fill_(255)
    return images.byte(), labels


class Judge(torch.nn.Module):
    device = torch.device("cpu")

    def classify(self, x):
        lying = x.mean(3).amax((1, 2)) > x.mean(2).amax((1, 2))
        return F.one_hot(1 - lying.long(), 2).float()


@pytest.fixture(scope="module")
def sets() -> tuple[Dataset, Dataset]:
    return tuple(
        Dataset("bars", split, *bars(n, seed), ("lying", "standing"))
        for split, n, seed in (("test", 300, 0), ("train", 500, 1))
    )


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(cas, "STEPS", 60)


def test_samples_as_real_ones_score_as_real_ones_and_wrong_classes_score_badly(sets):
    made, asked = bars(200, 2)
    found = cas.of_samples(object(), made, asked, Judge().eval(), *sets, seed=0)
    assert found["cas"]["value"] > 0.9 and found["cas_real"]["value"] > 0.9
    assert found["cas"]["n"] == found["cas_real"]["n"] == 200
    assert found["cas"]["note"].startswith("classes as asked for")
    wrong = cas.of_samples(object(), made, 1 - asked, Judge().eval(), *sets, seed=0)
    assert wrong["cas"]["value"] < 0.1 and wrong["cas_real"] == found["cas_real"]


def test_where_no_class_is_asked_for_the_judge_says_it(sets):
    made, _ = bars(200, 2)
    found = cas.of_samples(object(), made.float() / 255, None, Judge().eval(), *sets, seed=0)
    assert found["cas"]["value"] > 0.9 and found["cas"]["note"].startswith("classes by the judge")


def test_samples_that_do_not_vary_teach_little(sets):
    made, asked = bars(2, 3)
    found = cas.of_samples(
        object(), made.repeat(100, 1, 1, 1), asked.repeat(100), Judge().eval(), *sets, seed=0
    )
    assert found["cas"]["value"] < found["cas_real"]["value"] - 5 * found["cas"]["stderr"]


def test_the_same_seed_gives_the_same_score_and_leaves_others_numbers_alone(sets):
    test, train = sets
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    scores = [
        cas.accuracy_of_training_on(
            train.images, train.labels, test.images, test.labels, 2, seed=1, steps=8
        )
        for _ in range(2)
    ]
    assert scores[0] == scores[1] and torch.equal(torch.rand(1), expected)


def test_without_labels_there_is_no_score():
    bare = Dataset("bars", "test", bars(9, 0)[0])
    with pytest.raises(ValueError, match="no labels"):
        cas.of_samples(object(), bars(9, 0)[0], None, Judge(), bare, bare, seed=0)
