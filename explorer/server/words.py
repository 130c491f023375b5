"""Models in words: what one cannot do, its data, its size, its headline number."""

from __future__ import annotations

from typing import Any

from models.data.collection import spoken

# What a model that lacks a capability cannot do, in words.
WORDS = {
    "Samples": "be sampled from",
    "Encodes": "encode pictures",
    "Decodes": "decode latent codes",
    "Rebuilds": "rebuild a picture",
    "HasLikelihood": "tell how likely a picture is",
    "HasEnergy": "tell a picture's energy",
    "HasEnergy|HasLikelihood": "tell how likely a picture is",
    "Denoises": "remove noise",
    "Completes": "complete pictures",
    "Flows": "bend a picture into noise layer by layer",
    "WritesPixels": "write a picture value by value",
    "Discriminates": "tell real pictures from made ones",
    "HasLevels": "say what lives on which level",
    "QuantisesCodes": "write a picture as a grid of indices",
    "WritesIndices": "write a grid of indices",
    "Translates": "turn a picture into one of another kind",
    "HasDomains": "tell pictures of two kinds from translations",
    "WritesText": "write text",
    "TakesFewSteps": "sample in a few steps",
    "HasAttentionMaps": "show where a place of a picture looks",
    "Conditional": "be asked for a class",
}

# The number on a card: the first of these that the model has.
# Bits per dimension exist for 8-bit pictures alone, and stand for them before nats do: nats of
# binary and of 8-bit pictures cannot be compared, so they must not look alike.
HEADLINES = (
    ("mig", "MIG {:.2f}"),
    ("bpd", "{:.2f} bits/dim"),
    ("nll_nats", "{:.1f} nats"),
    ("fd_over_floor", "{:.1f}× the Fréchet floor"),
    ("fd_over_floor.there", "{:.1f}× the Fréchet floor"),
    ("elbo_nats", "ELBO {:.1f} nats"),
    ("bits_per_symbol", "{:.2f} bits/character"),
    ("accuracy", "{:.1%} right"),
)


def facts(header: Any) -> str:
    """A model in one line: its data, its size, its headline number."""
    parts = [
        data_title(header.data.get("name", "")),
        f"{short_count(header.parameters)} parameters",
    ]
    for name, form in HEADLINES:
        value = header.metrics.get(name)
        value = value.get("value") if isinstance(value, dict) else value
        if value is not None:
            parts.append(form.format(value))
            break
    return " · ".join(part for part in parts if part)


def short_title(header: Any) -> str:
    """The title without the data set, which is said of all its models together."""
    data = data_title(header.data.get("name", ""))
    words, _, last = header.title.rpartition(", ")
    return words if words and last.lower() == data.lower() else header.title


def data_title(name: str) -> str:
    known = {
        "mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar-10": "CIFAR-10",
        "python-library": "Python's library",
    }  # fmt: skip
    if name.startswith("pictures-"):
        return "Own pictures"
    said = spoken(name)
    return known.get(name, said.capitalize() if said == name else said)


def short_count(count: int) -> str:
    return f"{count / 1e6:.1f} M" if count >= 1e6 else f"{count / 1e3:.0f} k"
