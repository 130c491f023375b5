"""``score``: how likely picture files are, or how strange."""

from __future__ import annotations

import argparse
from typing import Any

from models.checkpoints.header import SHIPPED, read_header, resolve
from models.checkpoints.weights import load
from models.commands.arguments import DRAWS, check_knobs, instead
from models.commands.progress import each
from models.commands.reading import read_pictures
from models.contract.knobs import checked_seed


def run(args: argparse.Namespace) -> dict[str, Any]:
    from models.contract.capabilities import HasLikelihood
    from models.contract.numbers import bits_per_dim
    from models.machine.processes import here, join
    from models.scores.each import likelihood_each

    checked_seed(args.seed, "--seed")
    if args.samples is not None:
        DRAWS.checked(args.samples, "--samples")
    if args.by is not None:
        return _score_by(args)
    effort = {} if args.samples is None else {"samples": args.samples}
    model = load(args.checkpoint, join(args.device))
    if not isinstance(model, HasLikelihood):
        raise ValueError(f"'{args.checkpoint}' gives no likelihood of pictures.{instead(model)}")
    check_knobs(model.knobs("log_likelihood"), effort, args.checkpoint, "is scored")
    paths, images, unreadable = read_pictures(args, model.image_shape)
    rows = []
    for path, picture in each(zip(paths, images, strict=True), "score", "picture"):
        # One by one: what kind of number it is depends on the picture.
        result = likelihood_each(model, picture[None].to(model.device), args.seed, **effort)
        nats = float(result.nats)
        rows.append(
            {
                "image": path,
                "nats": nats,
                "bpd": float(bits_per_dim(-nats, model.image_shape)),
                "kind": result.kind,
                "space": result.space,
                "stderr": None if result.stderr is None else float(result.stderr),
            }
        )
    if not args.json:
        for row in rows:
            error = "" if row["stderr"] is None else f" ± {row['stderr']:.2f}"
            print(
                f"{row['image']}: log p(x) = {row['nats']:.2f}{error} nats "
                f"({row['bpd']:.3f} bits/dim, {row['kind']}, {row['space']})"
            )
    here().wait()
    return {"scores": rows, **unreadable}


def _score_by(args: argparse.Namespace) -> dict[str, Any]:
    """Anomaly scores, each with what part of the model's own test images are less strange."""
    from models.checkpoints.reference import read_reference
    from models.machine.processes import here, join
    from models.scores.background import background_of
    from models.scores.each import score_each
    from models.scores.registry import SCORES
    from models.scores.scores import applicable

    if args.samples is not None:
        raise ValueError("--samples is for likelihoods alone: leave it or --by out.")
    folder = resolve(args.checkpoint).parent
    model, reference = load(args.checkpoint, join(args.device)), read_reference(folder)
    header = read_header(args.checkpoint)
    background = background_of(header, (folder.parent, SHIPPED), model.device)
    names = args.by or applicable(model, reference, background)
    if not names:
        raise ValueError(f"'{args.checkpoint}' has no anomaly score; it is another kind of model.")
    if background is None and not args.by:
        names = tuple(name for name in names if not SCORES[name].background)
    paths, x, unreadable = read_pictures(args, model.image_shape)
    rows: list[dict[str, Any]] = []
    # One by one, as each scores the same in any company: what takes long shows how far it is.
    for path, picture in each(zip(paths, x, strict=True), "score", "picture"):
        alone = picture[None].to(model.device)
        found = score_each(model, alone, names, args.seed, reference, background)
        rows.append({"image": path, "scores": {}})
        for name, scored in found.items():
            percentile = None
            if reference is not None and name in reference.scores:
                percentile = float(reference.percentile(name, scored.values.cpu().numpy())[0])
            rows[-1]["scores"][name] = {
                "value": float(scored.values[0]),
                "stderr": float(scored.stderr[0]) or None,
                "unit": SCORES[name].unit,
                "percentile": percentile,
            }
    if not args.json:
        for row in rows:
            print(f"{row['image']}:")
            for name, facts in row["scores"].items():
                where = ""
                if facts["percentile"] is not None:
                    where = f"  stranger than {facts['percentile']:.1f} % of the test images"
                error = "" if facts["stderr"] is None else f" ± {facts['stderr']:.2f}"
                print(f"  {name:15} {facts['value']:10.2f}{error} {facts['unit']}{where}")
    here().wait()
    return {"scores": rows, **unreadable}
