"""The card of the shipped films: what each method reached on each set, and what it took."""

from __future__ import annotations

from typing import Any

from models.plane import METHODS
from models.plane.contract import method
from models.plane.data import DENSITIES, TITLES
from models.plane.shipped import FOLDER, path_of, read

HEAD = """# Films on the plane

Weights of every method on every named set at up to {moments} moments of its training, from which
the tab Plane computes its films. `python -m models plane --ship` trains them, and
`python -m models plane --card` writes this page. Trained on 2,000 points; seconds are those of one
core; {megabytes:.1f} MB in all.

Divergences are in nats, lower is better. "Exact" methods, and the evidence of the VAEs, are summed
over a grid of 64 x 64 cells; those marked "nearest neighbours" are estimated from samples, with the
error of the mean. All numbers, of every moment, are those of the weights as they are kept: changes
of matrices in whole numbers of few bits, finer ones at the end. That last rounding moved no
KL(p || q) by more than {moved:.4f} nats.
"""


def card() -> str:
    """The page, Markdown. Raises ValueError where no film is here."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for key in DENSITIES:
        for name in METHODS:
            if path_of(name, key).is_file():
                rows.setdefault(key, []).append(read(name, key)[1])
    if not rows:
        raise ValueError("No film is here; python -m models plane --ship trains them.")
    every = [facts for each in rows.values() for facts in each]
    head = HEAD.format(
        moments=max(len(facts["steps"]) for facts in every),
        megabytes=sum(path.stat().st_size for path in FOLDER.rglob("*.xz")) / 1e6,
        moved=max(abs(_moved(facts)) for facts in every),
    )
    parts = [head, *(_table(key, each) for key, each in rows.items())]
    return "\n".join(parts)


def _moved(facts: dict[str, Any]) -> float:
    last, before = facts["measures"][-1], facts["before_rounding"]
    return last["kl_forward"]["value"] - before["kl_forward"]["value"]


def _table(key: str, rows: list[dict[str, Any]]) -> str:
    lines = [
        f"\n## {TITLES[key]}\n",
        "| method | parameters | steps | seconds | KL(p‖q) | KL(q‖p) | found by | held-out log p "
        "| modes | W1 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for facts in rows:
        last = facts["measures"][-1]
        cells = [
            method(facts["method"]).TITLE,
            f"{facts['parameters']:,}",
            f"{facts['steps'][-1]:,}",
            f"{facts['seconds'][-1]:.1f}",
            *(_number(last.get(name)) for name in ("kl_forward", "kl_backward")),
            last["kl_forward"]["kind"].split(" among")[0],
            _number(last.get("log_likelihood")),
            f"{last['modes']['value']:.0f} {last['modes']['kind']}" if "modes" in last else "",
            _number(last.get("w1")),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _number(measure: dict[str, Any] | None) -> str:
    return f"{measure['value']:.3f} ± {measure['stderr']:.3f}" if measure else ""
