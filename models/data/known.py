"""What is known of data sets before they are loaded."""

from __future__ import annotations

from dataclasses import dataclass

from models.data.shapes import SHAPE_NAMES


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set before it is loaded.

    shape: (C, H, W). n: images by split. convention: how its images look, for uploads to match.
    hub: its id on the Hub, where it is there. origin: how it comes: "built in" or "files".
    """

    title: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    n: dict[str, int]
    convention: str
    about: str
    licence: str
    hub: str | None = None
    origin: str = "files"


DIGIT_NAMES = tuple("0123456789")
FASHION_NAMES = (
    "T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot"
)  # fmt: skip
CIFAR_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"
)  # fmt: skip
ALPHABET_NAMES = (
    "Balinese", "Early Aramaic", "Greek", "Japanese (katakana)", "Korean", "Latin", "Sanskrit",
    "Tagalog",
)  # fmt: skip

DATASETS = {
    "digits": DatasetInfo(
        title="Digits",
        shape=(1, 8, 8),
        classes=DIGIT_NAMES,
        n={"train": 1497, "test": 300},
        convention="white on black",
        about="Scanned handwritten digits of 17 grey levels, as scikit-learn carries them.",
        licence="CC BY 4.0 (Alpaydin and Kaynak, UCI)",
        origin="built in",
    ),
    "shapes": DatasetInfo(
        title="Shapes",
        shape=(3, 32, 32),
        classes=SHAPE_NAMES,
        n={"train": 50_000, "test": 10_000},
        convention="one bright object on black",
        about="One coloured object on black; its six factors are known exactly.",
        licence="MIT (generated here)",
        origin="built in",
    ),
    "mnist": DatasetInfo(
        title="MNIST",
        shape=(1, 28, 28),
        classes=DIGIT_NAMES,
        n={"train": 60_000, "test": 10_000},
        convention="white on black, in a 20x20 box, centred by mass",
        about="Handwritten digits: the fruit fly of machine learning.",
        licence="CC BY-SA 3.0 (LeCun, Cortes and Burges)",
        hub="ylecun/mnist",
    ),
    "fashion-mnist": DatasetInfo(
        title="Fashion-MNIST",
        shape=(1, 28, 28),
        classes=FASHION_NAMES,
        n={"train": 60_000, "test": 10_000},
        convention="bright on black, the longer side filling the frame",
        about="Shop photographs of clothes, in MNIST's format but harder.",
        licence="MIT (Zalando Research)",
        hub="zalando-datasets/fashion_mnist",
    ),
    "omniglot-small": DatasetInfo(
        title="Omniglot, small",
        shape=(1, 28, 28),
        classes=ALPHABET_NAMES,
        n={"train": 4033, "test": 807},
        convention="white strokes on black",
        about="Letters of eight alphabets, each drawn by twenty people; labels are alphabets.",
        licence="MIT (Lake, Salakhutdinov and Tenenbaum)",
    ),
    "cifar-10": DatasetInfo(
        title="CIFAR-10",
        shape=(3, 32, 32),
        classes=CIFAR_NAMES,
        n={"train": 50_000, "test": 10_000},
        convention="colour photographs, the object in the middle",
        about="Small photographs of animals and vehicles.",
        licence="not stated (Krizhevsky 2009)",
        hub="uoft-cs/cifar10",
    ),
}

# The images of MNIST and Fashion-MNIST have the same form; their bytes tell which is which.
FINGERPRINTS = {
    "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757": "mnist",
    "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161": "mnist",
    "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012": "fashion-mnist",
    "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a": "fashion-mnist",
}
# MB of the tables on the Hub, of those that can be checked.
FETCHED = {"mnist": 18, "fashion-mnist": 36}
