"""Model cards: the facts in a checkpoint's header, for people, in Hugging Face model-card form."""

from __future__ import annotations

import math
from pathlib import Path

from models.checkpoints.header import Header
from models.checkpoints.judges import SECOND
from models.checkpoints.reference import AUROC
from models.checkpoints.tricks import TRICK, rows
from models.codes.truncation import TRUNCATION, truncations
from models.data.collection import spoken
from models.evaluation.front_matter import front_matter
from models.machine.files import write_atomically
from models.scores.registry import SCORES

# What each number is, in the words of the lectures. The keys are the names of DESIGN and metadata.
MEANING = {
    "nll_nats": "-log p(x), nats an image",
    "elbo_nats": "evidence lower bound, nats an image",
    "reconstruction_nats": "reconstruction term of the bound, nats an image",
    "kl_nats": "KL(q(z given x) || p(z)), nats an image",
    "code_nats": "-log p of the grid of codes under the prior, nats an image",
    "codebook_use": "part of the codebook's entries that the codes of test images use",
    "effective_samples": "how many of the importance samples effectively count",
    "active_dimensions": "latent dimensions with a mean KL over 0.01 nats",
    "bpd": "bits per dimension",
    "bits_per_symbol": "-log2 p(x), bits a character",
    "bits_per_symbol.gzip": "the test text as one file by gzip, level 9, bits a character",
    "bits_per_symbol.bz2": "the same by bz2",
    "bits_per_symbol.xz": "the same by xz (LZMA)",
    "bits_per_symbol.ngram": "-log2 p(x) of an n-gram model of the training text (Witten-Bell)",
    "accuracy": "accuracy on the test set",
    "mean_confidence": "mean probability of the likeliest class; calibrated, it is the accuracy",
    "calibration_error": "expected calibration error (Guo et al. 2017), 15 bins",
    "fd": "Fréchet distance to test images in the judge's features",
    "fd_floor": "the same for training images: what a perfect model would get",
    "fd_over_floor": "Fréchet distance over its floor",
    "kid": "kernel distance (Bińkowski et al. 2018), unbiased: 0 where samples are as real ones",
    "kid_floor": "the same for training images",
    "nearest_train": "median distance to the nearest training image",
    "nearest_test": "median distance to the nearest of as many test images",
    "nearest_ratio": "median ratio of the two: 0 for copies, 1 for new pictures",
    "nearer_to_train": "part of the samples that a training image is nearer to than any test "
    "image: 0.5 for new pictures",
    "cas": "classification accuracy score (Ravuri and Vinyals 2019): accuracy on test images of a "
    "small classifier that was trained on samples alone",
    "cas_real": "the same trained on as many training images",
    "precision": "precision (Kynkäänniemi et al. 2019)",
    "recall": "recall (Kynkäänniemi et al. 2019)",
    "density": "density (Naeem et al. 2020)",
    "coverage": "coverage (Naeem et al. 2020)",
    "label_accuracy": "part of the samples that the judge reads as the class asked for",
    "category_match": "part of the samples that the judge reads as the class of their category",
    "category_accuracy": "part of the test images whose category, as read, is that of their class",
    "label_accuracy.guided": "the same with guidance",
    "fd_over_floor.guided": "Fréchet distance over its floor with guidance",
    "fd_over_floor.steps_10": "Fréchet distance over its floor in 10 steps",
    "fd_over_floor.steps_100": "Fréchet distance over its floor in 100 steps",
    "fd.steps_1": "Fréchet distance in one evaluation",
    "fd.steps_2": "Fréchet distance in two evaluations",
    "fd.steps_4": "Fréchet distance in four evaluations",
    "fd.teacher": "Fréchet distance of the model that it learned from, measured alike",
    "fd_over_floor.steps_1": "Fréchet distance over its floor in one evaluation",
    "fd_over_floor.steps_2": "Fréchet distance over its floor in two evaluations",
    "fd_over_floor.steps_4": "Fréchet distance over its floor in four evaluations",
    "fd_over_floor.teacher": "the model that it learned from, over the floor, measured alike",
    "class_accuracy": "how often the class by which an image is likeliest is its own",
    "nll_nats.any_class": "-log p(x) in nats an image, its class unknown: the mean of all "
    "classes' p(x given y)",
    "confident.steps_100": "part of the chains that the judge is sure of (over 0.9), 100 steps",
    "confident.steps_2000": "the same, 2,000 steps from their start",
    "cycle_error.there": "mean difference of a pixel between a picture and what comes back of it",
    "cycle_error_noisy.there": "the same with noise of standard deviation 0.1 on the way",
    "pair_error.there": "mean difference of a pixel to the counterpart, which no training has seen",
    "pair_error_mean.there": "the same of the mean training picture, in place of a translation",
    "fd_over_floor.there": "Fréchet distance over its floor, to test images of the other domain",
    "label_kept.there": "part of the translations that the judge reads as the original's class",
    "mig": "mutual information gap (Chen et al. 2018)",
    "knn_accuracy": "5-nearest-neighbour label accuracy in the 2-D map, held-out points",
    "trustworthiness": "trustworthiness of the 2-D map",
    "map_moments": "moments of training at which codes of the same test images were kept",
    "code_agreement.first": "5-nearest-neighbour label accuracy of those codes, at the first",
    "code_agreement.last": "the same at the last",
}


def meaning(name: str) -> str:
    """What a metric is; "" for a name that is not known. ``auroc.SCORE.SET`` goes by its parts."""
    if name.startswith(AUROC):
        _, score, other = name.split(".", 2)
        title = SCORES[score].title if score in SCORES else score
        return f"AUROC of {title.lower()}, {other} against its own test images"
    if name.startswith("kl_nats."):
        return f"nats an image in the level {name.partition('.')[2]}"
    if name.endswith(SECOND):
        return f"by the second judge: {meaning(name.removesuffix(SECOND))}"
    if name.endswith(".back"):
        name = f"{name.removesuffix('.back')}.there"
    return MEANING.get(name, "")


def number(value: float) -> str:
    """Four significant digits or so: what a card shows of a metric."""
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.4f}"


def metric_row(name: str, metric: dict) -> str:
    """One line of the card's table."""
    notes = [str(metric[k]) for k in ("kind", "space", "note") if metric.get(k)]
    n = metric.get("n") or ""
    words = ", ".join([meaning(name) or name, *notes])
    return f"| `{name}` | {_with_error(metric)} | {n} | {words} |"


def _with_error(metric: dict) -> str:
    error = f" ± {number(metric['stderr'])}" if metric.get("stderr") is not None else ""
    return number(metric["value"]) + error


def _fewer(metric: dict, n: int) -> str:
    """How many pictures there were, where it is not the n of the others."""
    return "" if metric["n"] == n else f" (n = {metric['n']})"


def scores_table(metrics: dict[str, dict]) -> list[str]:
    """What the anomaly scores tell apart, a row a score and a column a set; [] without any."""
    found = _aurocs(metrics)
    if not found:
        return []
    sets = list(dict.fromkeys(set for _, set in found))
    lines = [
        "## Anomaly scores",
        "",
        "The chance that a picture of another set gets a stranger score than one of the model's "
        "own test images (AUROC): 0.5 is a coin, below it the other set looks *less* strange. "
        "Nothing was fitted on test images.",
        "",
        "| score | " + " | ".join(sets) + " | n a set |",
        "|---|" + "---|" * (len(sets) + 1),
    ]
    for score in dict.fromkeys(score for score, _ in found):
        entries = [found.get((score, set)) for set in sets]
        n = max(e["n"] for e in entries if e is not None)
        cells = ["" if e is None else _with_error(e) + _fewer(e, n) for e in entries]
        title = SCORES[score].title if score in SCORES else score
        lines.append(f"| {title} | " + " | ".join(cells) + f" | {n} |")
    return [*lines, ""]


# What has no unit of a judge's own, so that two judges can be held against each other.
COMPARED = {
    "fd_over_floor": "the Fréchet distance over its floor",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "label_accuracy": "the part read as the class asked for",
}


def disagreement(metrics: dict[str, dict]) -> str:
    """One sentence on where the two judges differ by more than twice their joint error; "" where
    nothing was measured by both."""
    both = [name for name in COMPARED if name in metrics and f"{name}{SECOND}" in metrics]
    if not both:
        return ""
    apart = []
    for name in both:
        one, other = metrics[name], metrics[f"{name}{SECOND}"]
        error = math.hypot(one.get("stderr") or 0, other.get("stderr") or 0)
        if abs(one["value"] - other["value"]) > 2 * error:
            values = f"{_with_error(one)} by the first, {_with_error(other)} by the second"
            apart.append(f"{COMPARED[name]} ({values})")
    if not apart:
        return "The two judges agree within twice their joint error on all that can be compared."
    return f"The two judges disagree by more than twice their joint error on {'; '.join(apart)}."


def truncation_table(metrics: dict[str, dict]) -> list[str]:
    """What truncated codes give, a row a threshold; [] where it was not measured."""
    found = truncations(metrics)
    if not found:
        return []
    names = list(next(iter(found.values())))
    n = max(entry["n"] for row in found.values() for entry in row.values())
    lines = [
        "## Truncation",
        "",
        f"Samples of noise within ± a threshold, n = {n} each: {'; '.join(map(_meant, names))}.",
        "",
        "| threshold | " + " | ".join(names) + " |",
        "|---|" + "---|" * len(names),
    ]
    for threshold, row in found.items():
        cells = [_with_error(row[name]) if name in row else "" for name in names]
        at = "none" if math.isinf(threshold) else f"{threshold:g}"
        lines.append(f"| {at} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def tricks_table(metrics: dict[str, dict]) -> list[str]:
    """What tricks gave, switched on one at a time, a row a trick; [] where it was not measured."""
    found = rows(metrics)
    if not found:
        return []
    seeds = max(len(row.runs) for row in found)
    entry = found[0].runs[0]["fd"]
    lines = [
        "## Tricks",
        "",
        "Short runs of the same number of steps, each with all tricks above its own: Fréchet "
        f"distance of n = {entry['n']} samples to as many training images set aside "
        f"({entry['space']}), ± the standard error of sampling, a column a seed. Training images "
        f"score {_with_error(found[0].runs[0]['fd_floor'])}.",
        "",
        "| with this trick as well | "
        + " | ".join(f"fd, run {k + 1}" for k in range(seeds))
        + " | "
        "precision | recall | minutes |",
        "|---|" + "---|" * (seeds + 3),
    ]
    for row in found:
        cells = [_with_error(run["fd"]) for run in row.runs] + [""] * (seeds - len(row.runs))
        cells += [f"{row.mean(name):.3f}" for name in ("precision", "recall")]
        minutes = sum(run["fd"]["minutes"] for run in row.runs) / len(row.runs)
        lines.append(f"| {row.title} | {' | '.join(cells)} | {minutes:.1f} |")
    return [*lines, ""]


def _meant(name: str) -> str:
    return f"`{name}`, {meaning(name)}"


def _in_table(name: str) -> bool:
    """Whether a metric stands in the card's one table: there are fifty of some, in their own."""
    return not name.startswith(AUROC) and TRUNCATION not in name and TRICK not in name


def _aurocs(metrics: dict[str, dict]) -> dict[tuple[str, str], dict]:
    """The AUROCs by (score, set)."""
    return {
        tuple(name.split(".", 2)[1:]): entry
        for name, entry in metrics.items()
        if name.startswith(AUROC)
    }


FAR = ("omniglot-small", "flipped", "noise")


def anomaly_table(headers: list[Header]) -> str:
    """The table of what each score of each model tells apart, for ``pretrained/README.md``."""
    rows = [
        "| model | score | MNIST or Fashion, the other | Omniglot | upside down | noise | n |",
        "|---|---|---|---|---|---|---|",
    ]
    for header in headers:
        found = _aurocs(header.metrics)
        other = next((set for _, set in found if set in ("mnist", "fashion-mnist")), None)
        for score in dict.fromkeys(score for score, _ in found):
            entries = [found.get((score, set)) for set in (other, *FAR)]
            n = max(e["n"] for e in entries if e is not None)
            cells = [
                "" if e is None else f"{e['value']:.3f} ± {e['stderr'] or 0:.3f}{_fewer(e, n)}"
                for e in entries
            ]
            title = SCORES[score].title if score in SCORES else score
            rows.append(f"| `{header.name}` | {title} | {' | '.join(cells)} | {n} |")
    return "\n".join(rows)


def card(header: Header) -> str:
    """The whole card.md: front matter, facts, metrics, recipe."""
    data, training, train = header.data, header.training, header.recipe["train"]
    lines = [
        "---",
        front_matter(header, _in_table, meaning),
        "---",
        "",
        f"# {header.title}",
        "",
        header.about,
        "",
        "## Facts",
        "",
        "| | |",
        "|---|---|",
        f"| family | {header.family} |",
        f"| parameters | {header.parameters:,} |",
        f"| data | {spoken(data['name'])}, {data['split']} split, {data['n']:,} "
        f"{_pieces(header)} |",
        f"| data SHA-256 | `{data['sha256']}` |",
        f"| preprocessing | {_preprocessing(header)} |",
        f"| seed | {header.seed} |",
        f"| steps | {training['steps']:,} of {train.get('batch_size', 'unknown')} "
        f"{_pieces(header)} ({training['epochs']:g} epochs) |",
        f"| time | {training['minutes']:g} minutes |",
        f"| hardware | {training['hardware']}, {training['precision']} |",
        f"| capabilities | {', '.join(header.capabilities)} |",
        f"| written by | Generative Explorer {header.version} |",
        "",
    ]
    if header.recipe.get("notes"):
        lines += [header.recipe["notes"], ""]
    lines += ["## Measured", ""]
    if header.metrics:
        lines += ["| metric | value ± standard error | n | what it is |", "|---|---|---|---|"]
        lines += [
            metric_row(name, metric) for name, metric in header.metrics.items() if _in_table(name)
        ]
        lines += [
            "",
            f"Made by `python -m models evaluate {header.name}`, on test images alone, with "
            "the stored weights.",
            "",
            *([said, ""] if (said := disagreement(header.metrics)) else []),
            *scores_table(header.metrics),
            *truncation_table(header.metrics),
            *tricks_table(header.metrics),
        ]
    else:
        lines += [f"Nothing yet: run `python -m models evaluate {header.name}`.", ""]
    lines += [
        "## Recipe",
        "",
        f"`python -m models train {header.name}` trains it again; `recipe.toml` holds:",
        "",
        "| setting | value |",
        "|---|---|",
        *[f"| model.{k} | {_value(v)} |" for k, v in header.config.items()],
        *[f"| train.{k} | {_value(v)} |" for k, v in train.items()],
        "",
    ]
    return "\n".join(lines)


GIVEN = "given its class"  # what a conditional model's likelihood of an image is
HEADLINES = (
    ("nll_nats", "-log p(x{given}) {value} ± {stderr} nats ({kind}, {space})"),
    ("bpd", "{value} bits/dim ({kind})"),
    ("bits_per_symbol", "{value} ± {stderr} bits a character ({kind})"),
    ("accuracy", "accuracy {percent} %"),
    ("mig", "mutual information gap {value}"),
    ("fd_over_floor", "Fréchet distance {value} x its floor (n = {n})"),
    ("cas", "classification accuracy score {percent} %"),
    ("fd_over_floor.there", "{note}: Fréchet distance {value} x its floor (n = {n})"),
    ("fd_over_floor.back", "{note}: {value} x"),
    ("class_accuracy", "classes by Bayes' rule {percent} %"),
    ("knn_accuracy", "5-NN accuracy in the map {percent} %"),
)


def models_table(headers: list[Header]) -> str:
    """The table of the models, one row a checkpoint, for ``pretrained/README.md``: its links lead
    to cards from there."""
    rows = [
        "| model | what it is | data | parameters | trained | measured |",
        "|---|---|---|---|---|---|",
    ]
    for header in headers:
        measured = []
        for name, words in HEADLINES:
            if name in header.metrics:
                m = header.metrics[name]
                measured.append(
                    words.format(
                        value=f"{m['value']:.2f}",
                        stderr=f"{m['stderr'] or 0:.2f}",
                        percent=f"{100 * m['value']:.2f}",
                        n=f"{m['n']:,}",
                        given=" given y" if GIVEN in m.get("note", "") else "",
                        kind=m.get("kind"),
                        space=m.get("space"),
                        note=m.get("note"),
                    )
                )
        training = header.training
        rows.append(
            f"| [`{header.name}`]({header.name}/card.md) | {header.title} "
            f"| {spoken(header.data['name'])} | {header.parameters:,} "
            f"| {training['epochs']:g} epochs, {training['minutes']:.0f} min{_where(training)} "
            f"| {'; '.join(measured)} |"
        )
    return "\n".join(rows)


TABLES = {"models": models_table, "scores": anomaly_table}


def with_tables(text: str, headers: list[Header]) -> str:
    """The text with every table written anew between ``<!-- NAME -->`` and ``<!-- /NAME -->``.

    Raises ValueError, one sentence, where a table has no such place in it.
    """
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"There is no place for a table: write {begin.strip()} and {end}.")
        text = f"{before}{begin}{table(headers)}\n{end}{after}"
    return text


def _where(training: dict) -> str:
    """On what, where that is no CPU, as it is of most."""
    return "" if "CPU" in training["hardware"] else f" on an {training['hardware']}"


def write_card(header: Header, folder: Path) -> None:
    """Writes the card of a checkpoint's folder; it appears whole or not at all."""
    text = card(header)
    write_atomically(folder / "card.md", lambda path: Path(path).write_text(text, "utf-8"))


def _pieces(header: Header) -> str:
    return "strips of text" if "WritesText" in header.capabilities else "images"


def _preprocessing(header: Header) -> str:
    if "WritesText" in header.capabilities:
        return "each byte one of 96 symbols; a line with any other is left out"
    if "bernoulli" in (header.config.get("likelihood"), header.config.get("pixels")):
        return "each pixel drawn 0 or 1, with its grey level as the probability, anew each step"
    return "8-bit levels divided by 255"


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
