"""Small models of each family and network that can be exported, with weights at random."""

from __future__ import annotations

import base64

from models.checkpoints import weights
from models.checkpoints.header import Header
from models.contract.capabilities import capabilities
from models.contract.random import generator, normal
from models.export.packing import pack
from models.export.portable import portable

SMALL = (1, 8, 8)
# A model of each family and network that can be exported, and of what its settings change.
CASES = {
    "rbm": ("rbm", {"hidden": 20, "chains": 5}),
    "fvsbn": ("autoregressive", {"network": "fvsbn"}),
    "nade": ("autoregressive", {"network": "nade", "width": 12}),
    "nade-classes": ("autoregressive", {"network": "nade", "width": 12, "num_classes": 3}),
    "made": ("autoregressive", {"width": 70, "layers": 3, "orders": "raster, centre"}),
    "made-levels": (
        "autoregressive",
        {
            "width": 40,
            "pixels": "categorical",
            "levels": 5,
            "num_classes": 3,
            "image": (3, 4, 4),
        },
    ),
    "made-logistic": (
        "autoregressive",
        {
            "width": 40,
            "pixels": "logistic",
            "levels": 16,
            "components": 2,
            "orders": "shuffled",
        },
    ),
    "pixelcnn": ("autoregressive", {"network": "pixelcnn", "width": 8, "num_classes": 3}),
    "pixelcnn-colour": (
        "autoregressive",
        {
            "network": "pixelcnn",
            "width": 8,
            "layers": 1,
            "pixels": "categorical",
            "levels": 4,
            "image": (3, 5, 6),
            "ends": True,
            "head": 6,
        },
    ),
    "gated": (
        "autoregressive",
        {
            "network": "gated",
            "width": 6,
            "layers": 4,
            "ends": True,
            "num_classes": 3,
        },
    ),
    "transformer": (
        "autoregressive",
        {
            "network": "transformer",
            "width": 12,
            "head_width": 4,
            "hidden": 20,
            "num_classes": 3,
            "orders": "raster, columns",
            "hidden_layers": 2,
            "shift": 1,
        },
    ),
    "transformer-levels": (
        "autoregressive",
        {
            "network": "transformer",
            "width": 12,
            "head_width": 4,
            "hidden": 20,
            "ends": True,
            "pixels": "logistic",
            "levels": 16,
            "components": 2,
            "patch": 2,
            "image": (3, 4, 4),
        },
    ),
    "vae": ("vae", {"latent": 2, "width": 16, "blocks": 2, "hidden": 20}),
    "vae-prior": (
        "vae",
        {
            "latent": 5,
            "width": 16,
            "blocks": 1,
            "hidden": 20,
            "prior_layers": 3,
            "num_classes": 3,
            "prior_hidden": 9,
            "likelihood": "logistic",
            "image": (3, 8, 8),
        },
    ),
    "gan": ("gan", {"noise": 20, "width": 16, "num_classes": 3, "hidden": 8}),
    "infogan": (
        "gan",
        {
            "noise": 4,
            "width": 16,
            "categories": 3,
            "continuous": 2,
            "contrast": 3.0,
            "hidden": 8,
            "image": (3, 8, 8),
        },
    ),
    "diffusion": ("diffusion", {"width": 8, "middle": 2, "heads": 2, "num_classes": 3}),
    "diffusion-v": ("diffusion", {"width": 8, "middle": 1, "prediction": "v", "schedule": "flow"}),
}
KNOBS = {
    "rbm": {"steps": 12, "temperature": 0.8},
    "made": {"order": 1, "temperature": 0.7},
    "made-levels": {"label": 1, "guidance": 2.0, "temperature": 1.3},
    "pixelcnn": {"label": 2},
    "gated": {"guidance": 1.5},
    "transformer": {"order": 1, "label": 1},
    "vae": {"temperature": 1.4},
    "gan": {"label": 2, "truncation": 0.8},
    "diffusion": {"steps": 5, "sampler": "ddim", "label": 1, "guidance": 2.0},
    "diffusion-v": {"steps": 5},
}


def model_of(case: str):
    """An untrained model with weights at random, none of them 0."""
    family, config = CASES[case]
    model = weights.build(family, {"image": SMALL, **config}).eval().requires_grad_(False)
    rng = generator(3)
    for name, p in model.named_parameters():
        size = max(1.0, p[0].numel() ** 0.5) if p.dim() > 1 else 4.0
        p.copy_(normal(p.shape, rng, "cpu") / size + (1.0 if "norm" in name else 0.0))
    if "chains" in model.state_dict():
        model.chains.copy_((normal(model.chains.shape, rng, "cpu") > 0).float())
    return model


def packed_of(model, family: str, kind: str) -> dict:
    found = portable(model, family)
    packed = pack(found.tensors, kind, found.whole)
    config = {**found.config, "image": list(model.image_shape), "classes": model.class_count}
    data = base64.b64encode(packed.data).decode()
    return {"forward": found.forward, "config": config, "table": packed.table, "data": data}


def written(folder, case: str):
    """A checkpoint of one of the cases, in a folder of its name."""
    family, config = CASES[case]
    model = model_of(case)
    header = Header(
        name=case,
        family=family,
        title=f"A {case} & <more>",
        about="Untrained.",
        config={"image": list(SMALL), **config},
        recipe={},
        seed=0,
        data={"name": "digits", "classes": ["zero", "one", "two"]},
        training={},
        parameters=sum(p.numel() for p in model.parameters()),
        capabilities=tuple(sorted(capabilities(model))),
    )
    return weights.save(model, header, folder / case)
