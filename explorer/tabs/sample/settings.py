"""What a person may ask of a draw of samples: checked settings, and which models have which."""

from __future__ import annotations

from typing import Any, NamedTuple

from explorer.server.abilities import (
    NO_TRUNCATION,
    guides,
    most_steps,
    own_steps,
    read_label,
    truncates,
    walks,
)
from explorer.server.reading import is_number, is_whole
from models.contract.knobs import checked_seed

MOST = 400
HOTTEST = 2.0
FURTHEST_GUIDANCE = 8.0
LEAST_TRUNCATION = 0.1


class Settings(NamedTuple):
    """What one draw is made of. label: a class, or None for any. steps, guidance: of a model that
    walks from noise to picture; truncation: of one that can truncate its codes; None, always so for
    other models, leaves them to the model."""

    seed: int = 0
    count: int = 64
    temperature: float = 1.0
    label: int | None = None
    steps: int | None = None
    guidance: float | None = None
    truncation: float | None = None

    def knobs(self) -> dict[str, float]:
        """Arguments of ``sample_steps``: those that are not as the model has them."""
        asked = {
            "steps": self.steps, "guidance": self.guidance, "truncation": self.truncation,
        }  # fmt: skip
        return {name: value for name, value in asked.items() if value is not None}


def read_settings(header: Any, asked: Any) -> Settings:
    """Checked settings from what the controls say: ``asked`` has a value for each of the fields.

    Raises ValueError with one sentence.
    """
    seed, count, temperature = asked.seed, asked.count, asked.temperature
    steps, guidance = asked.steps, asked.guidance
    checked_seed(seed)
    if not is_whole(count) or not 1 <= count <= MOST:
        raise ValueError(f"Ask for 1 to {MOST} pictures at once.")
    if not is_number(temperature) or not 0 <= temperature <= HOTTEST:
        raise ValueError(f"The temperature must be a number from 0 to {HOTTEST:g}.")
    if temperature == 0 and "WritesPixels" in header.capabilities:
        raise ValueError("This model needs a temperature above 0, such as 0.05.")
    settings = Settings(int(seed), int(count), float(temperature), read_label(header, asked.label))
    if truncates(header):
        # It has a truncation in place of a temperature.
        return settings._replace(temperature=1.0, truncation=read_truncation(asked.truncation))
    if not walks(header):
        return settings
    most = most_steps(header)
    if steps is not None and (not is_whole(steps) or not 1 <= steps <= most):
        raise ValueError(f"The number of steps must be a whole number from 1 to {most}.")
    if guidance is not None and not (is_number(guidance) and 0 <= guidance <= FURTHEST_GUIDANCE):
        raise ValueError(f"Guidance must be a number from 0 to {FURTHEST_GUIDANCE:g}.")
    if steps is not None and steps != own_steps(header):
        settings = settings._replace(steps=int(steps))
    if guidance is not None and guidance != 1 and guides(header):
        settings = settings._replace(guidance=float(guidance))
    return settings


def read_truncation(value: Any) -> float | None:
    """The threshold asked for; None for none. Raises ValueError with one sentence."""
    if value is None:
        return None
    if not is_number(value) or not LEAST_TRUNCATION <= value <= NO_TRUNCATION:
        raise ValueError(
            f"The truncation must be a number from {LEAST_TRUNCATION:g} to {NO_TRUNCATION:g}."
        )
    return None if value == NO_TRUNCATION else float(value)
