"""The functions themselves: what programs may ask of the models here, by what these can do.

Their docstrings are what "Use via API" and MCP clients show, so they have the framework's sections.
Pictures are numbers from 0 (black) to 1 (white); C, H, W are channels, height and width.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from explorer.programs import values
from explorer.programs.files import Files
from explorer.server.abilities import classes_of, meets
from explorer.server.ask import Other, Seed
from models.contract.knobs import checked_seed

if TYPE_CHECKING:
    from explorer.page.context import Context

MOST = 64  # pictures a call makes or reads
MOST_SCORED = 16
MOST_MOMENTS = 32
MOST_STEPS = 1000
SECONDS = 60.0  # that a call which goes in steps may take

# What a model needs for each function: one of these alternatives, each a set of capabilities.
NEEDS = {
    "sample": [{"Samples"}],
    "decode": [{"Decodes"}],
    "encode": [{"Encodes"}],
    "complete": [{"Completes"}],
    "denoise": [{"Samples", "Denoises"}],
    "score": [{"HasEnergy|HasLikelihood"}, {"Denoises"}, {"Encodes", "Decodes"}],
}

Request = gr.Request


class Functions:
    """The functions over the models of a context. files: where their pictures lie."""

    def __init__(self, context: Context, files: Files) -> None:
        self.context, self.files = context, files

    def list_models(self, request: Request = None) -> list[dict]:
        """Lists the models of this server, and which functions each can be called with.

        Returns:
            models: One object a model: name (what the other functions take), title,
                about, data (the data set that it learned), shape ([C, H, W] of its
                pictures), parameters (how many weights), classes (names of the classes
                that 'label' takes, none where it takes none), functions (which of these
                functions serve it).
        """
        store = self.context.store
        return [_facts(store.header(name)) for name in store.names]

    def sample(
        self,
        model: str,
        n: int = 16,
        seed: int = 0,
        label: int | str | None = None,
        temperature: float | None = None,
        steps: int | None = None,
        sampler: str | None = None,
        guidance: float | None = None,
        truncation: float | None = None,
        pixels: bool = False,
        request: Request = None,
    ) -> tuple[dict, dict]:
        """Samples pictures from a model. The same seed gives the same pictures, as on the page.

        Parameters:
            model: Name of a model, such as "vae-mnist"; 'list_models' has them.
            n: How many pictures, 1 to 64. Picture k of a seed does not depend on it.
            seed: Which random numbers are drawn, 0 or more.
            label: The class asked for, its number or its name; null for any.
            temperature: How far samples stray from the likeliest; 1 is as trained.
                null: the model's own.
            steps: Steps of a sampler that takes steps, at most 1000. null: the model's own.
            sampler: Which sampler, of a model that denoises: dpm, heun, euler, ddim,
                ddpm, langevin, ode. null: the model's own.
            guidance: How far towards the class; 1 is as trained. null: the model's own.
            truncation: Noise of a GAN stays within plus or minus this. null: none.
            pixels: Whether the answer has the pixels as numbers, too.
        Returns:
            sheet: A PNG file of the pictures side by side without gaps, each pixel one
                pixel, row by row.
            facts: shape ([n, C, H, W]), columns of the sheet, seed; codes ([n, D])
                where the model has some; pixels ([n, C, H, W], from 0 to 1) where they
                were asked for.
        """
        header, n, seed = self._header(model, "sample"), _count(n), _seed(seed)
        label = values.label(header, label)
        knobs = self._knobs(
            header, "sample_steps", "samples", temperature=temperature, steps=steps,
            sampler=sampler, guidance=guidance, truncation=truncation,
        )  # fmt: skip
        frames = self.context.ask.steps(header.name, "sample_steps", n, Seed(seed), label, **knobs)
        last = _last(frames)
        more = {"seed": seed}
        if last.info.get("z") is not None:
            more["codes"] = values.as_lists(last.info["z"].reshape(n, -1))
        return self._pictures(last.x, f"{_plain(header)}-seed-{seed}.png", pixels, **more)

    def decode(
        self,
        model: str,
        codes: list,
        label: int | str | None = None,
        pixels: bool = False,
        request: Request = None,
    ) -> tuple[dict, dict]:
        """Decodes latent codes: the picture that each stands for.

        Parameters:
            model: Name of a model that decodes; 'list_models' has them.
            codes: Up to 64 codes, a list of D numbers each, or one such list. What a
                model's codes are drawn from, 'encode' and 'sample' show; most are
                standard normal.
            label: The class asked for, its number or its name, of a model with classes;
                null for none.
            pixels: Whether the answer has the pixels as numbers, too.
        Returns:
            sheet: A PNG file of the pictures side by side without gaps, each pixel one
                pixel, row by row.
            facts: shape ([n, C, H, W]), columns of the sheet; pixels ([n, C, H, W],
                from 0 to 1) where they were asked for.
        """
        header = self._header(model, "decode")
        z = values.codes(codes, MOST)
        length = self._code_length(header)
        if z.shape[1] != length:
            raise ValueError(f"Codes of '{header.name}' have {length} numbers, not {z.shape[1]}.")
        knobs = self._knobs(header, "decode", "decodes", label=values.label(header, label))
        x = self.context.ask(header.name, "decode", z, **knobs)
        return self._pictures(x, f"{_plain(header)}-decoded.png", pixels)

    def encode(
        self,
        model: str,
        pictures: str | list,
        label: int | str | None = None,
        polarity: str = "auto",
        request: Request = None,
    ) -> dict:
        """Encodes pictures: the latent code of each.

        Parameters:
            model: Name of a model that encodes; 'list_models' has them.
            pictures: One picture or a list of up to 64. Each is the bytes of a picture
                file in base64, an uploaded file (gradio_client:
                handle_file("digit.png")), or nested lists of numbers from 0 to 1,
                [H][W] or [C][H][W]. Files are framed as the model's data set was.
            label: The class of the pictures, its number or its name, of a model with
                classes; null for none.
            polarity: Which way round black and white are in a file: "auto", as its border tells;
                "keep", as they are; or "invert".
        Returns:
            codes: An object with codes ([n][D] numbers).
        """
        header = self._header(model, "encode")
        x = self._read(pictures, header, MOST, polarity)
        knobs = self._knobs(header, "encode", "encodes", label=values.label(header, label))
        z = self.context.ask(header.name, "encode", x, **knobs)
        return {"codes": values.as_lists(z.reshape(len(x), -1))}

    def complete(
        self,
        model: str,
        picture: str | list,
        known: str | list = "upper",
        n: int = 4,
        seed: int = 0,
        label: int | str | None = None,
        temperature: float | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        polarity: str = "auto",
        pixels: bool = False,
        request: Request = None,
    ) -> tuple[dict, dict]:
        """Completes a picture of which a part is known, in several ways.

        Parameters:
            model: Name of a model that completes pictures; 'list_models' has them.
            picture: The bytes of a picture file in base64, an uploaded file
                (gradio_client: handle_file("digit.png")), or nested lists of numbers
                from 0 to 1, [H][W] or [C][H][W].
            known: Which part is known: "upper", "lower", "left" or "right" half; or
                nested lists [H][W], 1 for a pixel that is known and 0 for one to fill
                in.
            n: How many completions, 1 to 64.
            seed: Which random numbers are drawn, 0 or more.
            label: The class asked for, its number or its name; null for any.
            temperature: How far pixels stray from the likeliest; 1 is as trained. null:
                the model's own.
            steps: Steps of a model that denoises, at most 1000. null: the model's own.
            guidance: How far towards the class; 1 is as trained. null: the model's own.
            polarity: Which way round black and white are in a file: "auto", as its border tells;
                "keep", as they are; or "invert".
            pixels: Whether the answer has the pixels as numbers, too.
        Returns:
            sheet: A PNG file of the completions side by side without gaps, row by row.
            facts: shape ([n, C, H, W]), columns of the sheet, seed; pixels ([n, C, H,
                W], from 0 to 1) where they were asked for.
        """
        header, n, seed = self._header(model, "complete"), _count(n), _seed(seed)
        x = self._read(picture, header, 1, polarity)
        shape = tuple(header.config["image"])
        mask = np.broadcast_to(values.known_part(known, shape), (n, *shape)).copy()
        knobs = self._knobs(
            header, "complete_steps", "completes pictures", label=values.label(header, label),
            temperature=temperature, steps=steps, guidance=guidance,
        )  # fmt: skip
        x = np.repeat(x, n, 0)
        frames = self.context.ask.steps(header.name, "complete_steps", x, mask, Seed(seed), **knobs)
        last = _last(frames)
        name = f"{_plain(header)}-completed-{seed}.png"
        return self._pictures(last.x, name, pixels, seed=seed)

    def denoise(
        self,
        model: str,
        seed: int = 0,
        moments: int = 8,
        label: int | str | None = None,
        steps: int | None = None,
        sampler: str | None = None,
        guidance: float | None = None,
        pixels: bool = False,
        request: Request = None,
    ) -> tuple[dict, dict]:
        """Denoises: frames of the way from noise to the picture that 'sample' gives for this seed.

        Parameters:
            model: Name of a model that denoises; 'list_models' has them.
            seed: Which random numbers are drawn, 0 or more.
            moments: How many frames, 2 to 32: evenly spaced steps, the first and the
                last among them. A model that takes fewer steps has fewer.
            label: The class asked for, its number or its name; null for any.
            steps: Steps of the sampler, at most 1000. null: the model's own.
            sampler: Which sampler: dpm, heun, euler, ddim, ddpm, langevin, ode. null:
                the model's own.
            guidance: How far towards the class; 1 is as trained. null: the model's own.
            pixels: Whether the answer has the pixels as numbers, too.
        Returns:
            sheet: A PNG file, a column for each frame: above what the picture is at
                that step, below the model's estimate of the clean picture, where it has
                one.
            facts: shape ([frames, C, H, W]), seed, frames (of each: step, total, and
                level, the standard deviation of the noise where the model says so);
                pixels and estimates ([frames, C, H, W], from 0 to 1) where they were
                asked for.
        """
        header, seed = self._header(model, "denoise"), _seed(seed)
        moments = values.whole(moments, "moments", 2, MOST_MOMENTS)
        label = values.label(header, label)
        knobs = self._knobs(
            header, "sample_steps", "samples", steps=steps, sampler=sampler, guidance=guidance
        )
        frames = list(
            _in_time(
                self.context.ask.steps(header.name, "sample_steps", 1, Seed(seed), label, **knobs)
            )
        )
        rows = np.unique(np.linspace(0, len(frames) - 1, moments).round().astype(int))
        chosen = [frames[k] for k in rows]
        x = np.concatenate([frame.x for frame in chosen])
        guesses = None
        if all(frame.x0 is not None for frame in chosen):
            guesses = np.concatenate([frame.x0 for frame in chosen]).clip(0, 1)
        of_each = [
            {
                "step": int(frame.step),
                "total": int(frame.total),
                "level": values.finite(frame.info.get("level")),
            }
            for frame in chosen
        ]
        name = f"{_plain(header)}-denoised-{seed}.png"
        both = x if guesses is None else np.concatenate([x, guesses])
        sheet, facts = self._pictures(both, name, False, columns=len(x), seed=seed, frames=of_each)
        facts["shape"] = list(x.shape)
        if pixels:
            facts["pixels"] = values.as_lists(x.clip(0, 1))
            facts["estimates"] = None if guesses is None else values.as_lists(guesses)
        return sheet, facts

    def score(
        self,
        model: str,
        pictures: str | list,
        by: list[str] | None = None,
        seed: int = 0,
        polarity: str = "auto",
        request: Request = None,
    ) -> list[dict]:
        """Scores pictures: how strange each is to a model, and how likely. Higher is stranger.

        Parameters:
            model: Name of a model that scores pictures; 'list_models' has them.
            pictures: One picture or a list of up to 16. Each is the bytes of a picture
                file in base64, an uploaded file (gradio_client:
                handle_file("digit.png")), or nested lists of numbers from 0 to 1,
                [H][W] or [C][H][W]. Files are framed as the model's data set was.
            by: Names of scores: several, likelihood, typicality, complexity, ratio,
                regret, reconstruction, denoising, energy. null: the score that the page
                begins with, and the likelihood, where the model has them.
            seed: Which random numbers are drawn, where chance has a part, 0 or more.
            polarity: Which way round black and white are in a file: "auto", as its border tells;
                "keep", as they are; or "invert".
        Returns:
            scores: One object a picture, with an object for each score: value, unit,
                stderr (standard error of an estimate, else null), percentile (how many
                of 100 of the model's own test images are less strange, null where that
                was not measured); of a likelihood also kind (exact, lower bound or
                estimate) and bits_per_dim. The likelihood's value is -log p(x) in nats.
        """
        from models.contract.numbers import bits_per_dim
        from models.scores.each import score_each
        from models.scores.registry import SCORES

        header, seed = self._header(model, "score"), _seed(seed)
        x = self._read(pictures, header, MOST_SCORED, polarity)
        measured, behind = self._measured(header)
        names = self._scores(header, by, measured, behind)
        other = None if behind is None else Other(behind)
        rows: list[dict] = [{} for _ in x]
        found = self.context.ask(header.name, score_each, x, names, seed, measured, other)
        for name, scored in found.items():
            percentiles = [None] * len(x)
            if measured is not None and name in measured.scores:
                percentiles = measured.percentile(name, scored.values).tolist()
            for k, row in enumerate(rows):
                error = None if scored.stderr is None else values.finite(scored.stderr[k])
                row[name] = {
                    "value": values.finite(scored.values[k]),
                    "unit": SCORES[name].unit,
                    "stderr": error or None,
                    "percentile": values.finite(percentiles[k]),
                }
                if name == "likelihood":
                    nats = values.finite(scored.values[k])
                    per = None if nats is None else bits_per_dim(nats, header.config["image"])
                    row[name] |= {"kind": scored.likelihood.kind, "bits_per_dim": per}
        return rows

    # -- what they share --------------------------------------------------------------------------

    def _header(self, model: Any, function: str) -> Any:
        """The model's header. Raises ValueError where it cannot be asked for that."""
        if not isinstance(model, str) or not model:
            raise ValueError("'model' is the name of a model; 'list_models' has them.")
        header = self.context.store.header(model)
        if not serves(header, function):
            able = [n for n in self.context.store.names
                    if serves(self.context.store.header(n), function)]  # fmt: skip
            instead = f" These can: {', '.join(able)}." if able else ""
            raise ValueError(f"'{model}' cannot be asked to {function}.{instead}")
        return header

    def _knobs(self, header: Any, method: str, does: str, **given: Any) -> dict[str, Any]:
        if given.get("steps") is not None:
            given["steps"] = values.whole(given["steps"], "steps", 1, MOST_STEPS)
        model = self.context.store.get(header.name)
        return values.knobs(model, header.name, method, does, **given)

    def _code_length(self, header: Any) -> int:
        return int(self.context.store.get(header.name).latent)

    def _read(self, pictures: Any, header: Any, most: int, polarity: Any) -> np.ndarray:
        return values.pictures(pictures, header, self.files.folder, most, polarity)

    def _pictures(
        self, x: np.ndarray, name: str, pixels: bool, columns: int | None = None, **facts: Any
    ) -> tuple[dict, dict]:
        """The sheet as a file, and facts of it. x: (n, C, H, W) from 0 to 1."""
        import torch

        from models.data.pictures import grid

        sheet = grid(torch.from_numpy(np.ascontiguousarray(x)), columns)
        facts = {"shape": list(x.shape), "columns": sheet.width // x.shape[-1], **facts}
        if pixels:
            facts["pixels"] = values.as_lists(x)
        return self.files.png(sheet, name), facts

    def _measured(self, header: Any) -> tuple[Any, str | None]:
        """The scores of a model's own test images, and the name of its background model; None
        where there are none."""
        from models.checkpoints.reference import read_reference
        from models.scores.background import background_in

        def look() -> tuple[Any, str | None]:
            behind = background_in(header, [header.folder.parent])
            name = None if behind is None else self.context.store.at(behind.folder)
            try:
                return read_reference(header.folder), name
            except ValueError:
                return None, name

        return self.context.ask.kept(("programs-measured", header.name), look)

    def _scores(self, header: Any, by: Any, measured: Any, behind: str | None) -> tuple[str, ...]:
        from models.scores.registry import SCORES
        from models.scores.scores import applicable

        known = applicable(self.context.store.get(header.name), measured)
        known = tuple(key for key in known if behind is not None or not SCORES[key].background)
        if not known:
            raise ValueError(f"'{header.name}' has no score; it is another kind of model.")
        if not by:
            first = getattr(measured, "default", None)
            first = first if first in known else known[0]
            return tuple(key for key in known if key in (first, "likelihood"))
        names = [by] if isinstance(by, str) else by
        if not isinstance(names, list) or not all(name in known for name in names):
            raise ValueError(f"'by' is a list of scores; '{header.name}' has {', '.join(known)}.")
        return tuple(dict.fromkeys(names))


def serves(header: Any, function: str) -> bool:
    """Whether a model can be asked for that."""
    return any(all(meets(header.capabilities, need) for need in needs) for needs in NEEDS[function])


def _facts(header: Any) -> dict:
    return {
        "name": header.name,
        "title": header.title,
        "about": header.about,
        "data": header.data.get("name", ""),
        "shape": list(header.config["image"]),
        "parameters": header.parameters,
        "classes": classes_of(header),
        "functions": [function for function in NEEDS if serves(header, function)],
    }


def _count(n: Any) -> int:
    return values.whole(n, "n", 1, MOST)


def _seed(seed: Any) -> int:
    return int(checked_seed(seed, "'seed'"))


def _plain(header: Any) -> str:
    """A model's name as a file's; of a visitor's own without what cannot be guessed."""
    return header.name.partition("~")[0]


def _in_time(frames: Iterator[Any]) -> Iterator[Any]:
    """The frames. Raises ValueError once they take longer than a call may."""
    begun = time.monotonic()
    for frame in frames:
        yield frame
        if time.monotonic() - begun > SECONDS:
            frames.close()
            raise ValueError(
                f"This takes longer than the {SECONDS:g} seconds that a call may; ask for fewer "
                "pictures or steps."
            )


def _last(frames: Iterator[Any]) -> Any:
    for frame in _in_time(frames):
        last = frame
    return last
