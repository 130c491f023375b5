"""The front matter of a model card, by the Hub's conventions: what its search and its pages read.

https://huggingface.co/docs/hub/model-cards has the fields; huggingface_hub's ``ModelCardData``
writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from models.checkpoints.config_file import LIBRARY
from models.checkpoints.header import Header
from models.data.collection import spoken
from models.data.datasets import DATASETS


def front_matter(
    header: Header, shown: Callable[[str], bool], meaning: Callable[[str], str]
) -> str:
    """The YAML between the dashes.

    shown: whether a metric, by its name, goes into the model index. meaning: what it is, in words.
    """
    name = header.data["name"]
    results = [
        _result(header, metric, entry, meaning(metric) or metric)
        for metric, entry in header.metrics.items()
        if shown(metric)
    ]
    return ModelCardData(
        license="mit",
        library_name=LIBRARY,
        pipeline_tag=task(header),
        tags=[LIBRARY, header.family, *(f"arxiv:{number}" for number in papers(header))],
        datasets=[hub_id(name)] if hub_id(name) else None,
        model_name=header.name,
        eval_results=results or None,
    ).to_yaml()


def task(header: Header) -> str:
    """What the model does, by the Hub's name for it."""
    if "WritesText" in header.capabilities:
        return "text-generation"
    if "Translates" in header.capabilities:
        return "image-to-image"
    able = "Classifies" in header.capabilities
    return "image-classification" if able else "unconditional-image-generation"


def hub_id(name: str) -> str:
    """The id on the Hub of a data set; "" where it is not there, or is somebody's own."""
    if name in DATASETS:
        return DATASETS[name].hub or ""
    plain = spoken(name).partition(":")[0]
    return plain if name.count("/") == 1 and plain.count("/") == 1 else ""


def papers(header: Header) -> tuple[str, ...]:
    """arXiv numbers of the papers that the model is of."""
    from models import family
    from models.contract.config import build_config

    cls = family(header.family)
    try:
        config = build_config(cls.Config, header.config)
        return cls.variant(config).papers(config)
    except ValueError:  # settings of another version: said where the model is loaded
        return ()


def _result(header: Header, name: str, metric: dict[str, Any], words: str) -> EvalResult:
    """A metric in the model index: its number, and in words what it is and how sure."""
    error = metric.get("stderr")
    known = ("kind", "space", "note")
    words = ", ".join([words, *(str(metric[key]) for key in known if metric.get(key))])
    if error is not None:
        words += f", ± {error:.4g} (standard error)"
    data = header.data["name"]
    return EvalResult(
        task_type=task(header),
        dataset_type=hub_id(data) or spoken(data),
        dataset_name=DATASETS[data].title if data in DATASETS else spoken(data),
        dataset_split="test",
        metric_type=name,
        metric_name=words,
        metric_value=metric["value"],
        metric_args={
            key: metric[key] for key in ("stderr", "n", "kind") if metric.get(key) is not None
        }
        or None,
    )
