"""A model and the student that learned from it to need only a few steps, for the Compare part."""

from __future__ import annotations

from typing import Any, NamedTuple

from explorer.page.context import Context
from explorer.server.abilities import few_steps, student_of
from explorer.server.reading import is_whole
from explorer.tabs.denoise.trajectory import SAMPLERS, Settings
from models.contract.abilities import FEW_STEPS

STUDENT = "student"  # stands where the key of a sampler does
NAMES = {**SAMPLERS, STUDENT: "Few-step student"}
# Columns that show what it gives: its evaluations beside its teacher's steps.
COLUMNS = ((STUDENT, 1), (STUDENT, 2), (STUDENT, 4), ("dpm", 20))


class Pair(NamedTuple):
    """Names of models: whose samplers are compared, and its student, where there is one."""

    teacher: str
    student: str | None

    def asked(self, settings: Settings) -> str:
        """The one that a column asks."""
        return self.student if settings.sampler == STUDENT and self.student else self.teacher


def pair_of(context: Context, name: str) -> Pair:
    """A model with its student, or with its teacher, where the other one is here."""
    store = context.store
    header = store.header(name)
    if few_steps(header):
        teacher = header.config.get("teacher")
        return Pair(teacher if teacher in store.names else name, name)
    student = student_of(header, (store.header(other) for other in store.names))
    return Pair(name, student.name if student else None)


def check(header: Any, student: str | None, steps: Any, guidance: Any) -> None:
    """Raises ValueError, one sentence, where no student of that model can be asked for this."""
    if student is None:
        raise ValueError(f"{header.title} has no few-step student here; choose a sampler.")
    if not is_whole(steps) or not 1 <= steps <= FEW_STEPS:
        raise ValueError(f"A few-step student takes a whole number of steps from 1 to {FEW_STEPS}.")
    if guidance != 1:
        raise ValueError("A few-step student takes no guidance: set it to 1, or choose samplers.")


def columns(pair: Pair, name: str, asked: list[tuple[str, Any]], usual: Any) -> Any:
    """The columns (sampler, steps) to show of a model that is on screen: those asked for, where it
    can show them. usual: those of a model that has no student."""
    has = any(sampler == STUDENT for sampler, _ in asked)
    if name == pair.student and not has:
        return COLUMNS
    return usual if has and pair.student is None else asked
