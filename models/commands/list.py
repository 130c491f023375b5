"""``list``: the recipes, and the checkpoints that are here."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from models.checkpoints.header import CheckpointError, find, read_header
from models.machine.files import write_atomically


def run(args: argparse.Namespace) -> dict[str, Any]:
    from models.training.recipe import load_recipe, recipe_names

    headers, broken = [], {}
    if not Path(args.checkpoints).is_dir():
        raise ValueError(f"There is no folder '{args.checkpoints}'.")
    for folder in find(args.checkpoints):
        try:
            header = read_header(folder)
        except CheckpointError as error:
            broken[folder.name] = str(error)
            continue
        headers.append(header)
    rows = [
        {
            "name": header.name,
            "family": header.family,
            "title": header.title,
            "data": header.data["name"],
            "parameters": header.parameters,
            "capabilities": header.capabilities,
            "metrics": header.metrics,
            "problems": list(header.problems),
        }
        for header in headers
    ]
    recipes = {name: load_recipe(name).title for name in recipe_names()}
    if args.markdown or args.into:
        from models.evaluation.card import TABLES, with_tables

        if args.markdown:
            print(TABLES[args.markdown](headers))
        if args.into:
            text = with_tables(Path(args.into).read_text("utf-8"), headers)
            write_atomically(Path(args.into), lambda path: Path(path).write_text(text, "utf-8"))
        for sentence in (*broken.values(), *(s for h in headers for s in h.problems)):
            print(sentence, file=sys.stderr)  # what the table lacks
    elif not args.json:
        print("Checkpoints:")
        for row in rows:
            print(
                f"  {row['name']:16} {row['family']:11} {row['data']:14} "
                f"{row['parameters']:>10,} parameters  {row['title']}"
            )
        for name, sentence in broken.items():
            print(f"  {name}: {sentence}")
        for header in headers:
            for sentence in header.problems:
                print(f"  {sentence}")
        print("Recipes:")
        for name, title in recipes.items():
            print(f"  {name:16} {title}")
    return {"checkpoints": rows, "unreadable": broken, "recipes": recipes}
