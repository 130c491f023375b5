"""Deep generative models behind one contract; no page, no plots, no gradio in here.

    from models import generator, load

    images = load("vae-mnist").sample(64, generator(0))  # (64, 1, 28, 28), from 0 to 1

``FAMILIES`` names every family by the class that implements it. The values are dotted paths, not
classes, so that importing ``models`` costs nothing: the page lists checkpoints (a JSON header each)
long before torch is needed. ``family("vae")`` gives the class. ``PUBLIC`` names what notebooks and
the page's snippets use; each is imported when it is first asked for.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

FAMILIES = {
    "vae": "models.families.vae.vae:VAE",
    "diffusion": "models.families.diffusion.diffusion:Diffusion",
    "consistency": "models.families.diffusion.consistency:Consistency",
    "autoregressive": "models.families.autoregressive.variants:Autoregression",
    "flow": "models.families.flow.flow:Flow",
    "gan": "models.families.gan.variants:Adversarial",
    "rbm": "models.families.rbm:RBM",
    "hvae": "models.families.hierarchical.hvae:HierarchicalVAE",
    "ebm": "models.families.energy.ebm:EnergyModel",
    "vqvae": "models.families.vq.vqvae:VQVAE",
    "autoencoder": "models.families.autoencoder.autoencoder:Autoencoder",
    "dae": "models.families.autoencoder.denoising:DenoisingAutoencoder",
    "mae": "models.families.autoencoder.masked:MaskedAutoencoder",
    "cyclegan": "models.families.translation.cyclegan:CycleGAN",
    "text": "models.families.text:TextTransformer",
    "classifier": "models.families.classifier:Classifier",
}


# Models that other programs train, opened from their own files: none is trained here.
FOREIGN = {"diffusers": "models.foreign.model:ForeignDiffusion"}


def implementations() -> dict[str, str]:
    """The families that can be trained, and the foreign ones that can be opened; dotted paths."""
    return {**FAMILIES, **FOREIGN}


def family(name: str) -> type:
    """The class of a family. Raises ValueError, naming the known ones, where there is none."""
    if name not in implementations():
        known = ", ".join(FAMILIES)
        raise ValueError(f"There is no model family '{name}'. Known families: {known}.")
    module, _, attribute = implementations()[name].partition(":")
    return getattr(import_module(module), attribute)


# What has a colon is one thing of a module; what has none, the module.
PUBLIC = {
    "load": "models.checkpoints.weights:load",
    "open_folder": "models.foreign.model:open_folder",
    "from_pretrained": "models.hub.pretrained:from_pretrained",
    "save_pretrained": "models.hub.pretrained:save_pretrained",
    "push_to_hub": "models.hub.pretrained:push_to_hub",
    "read_header": "models.checkpoints.header:read_header",
    "resolve": "models.checkpoints.header:resolve",
    "moments": "models.checkpoints.snapshots:moments",
    "read_measured": "models.checkpoints.snapshots:read_measured",
    "read_reference": "models.checkpoints.reference:read_reference",
    "generator": "models.contract.random:generator",
    "normal": "models.contract.random:normal",
    "uniform": "models.contract.random:uniform",
    "Streams": "models.contract.streams:Streams",
    "capabilities": "models.contract.capabilities:capabilities",
    "load_data": "models.data.datasets:load",
    "fit_map": "models.codes.projection:fit_map",
    "load_map": "models.checkpoints.codes:load_map",
    "load_moving_map": "models.checkpoints.moving_map:load_moving_map",
    "codes_at_moments": "models.codes.moving:codes_at_moments",
    "moving_layouts": "models.codes.moving:moving_layouts",
    "neighbours": "models.codes.projection:neighbours",
    "project": "models.codes.projection:project",
    "features": "models.codes.judged_map:features",
    "load_features": "models.codes.judged_map:load_features",
    "invert_steps": "models.codes.inversion:invert_steps",
    "starting_codes": "models.codes.inversion:starting_codes",
    "activations": "models.codes.activations:activations",
    "anagram_steps": "models.codes.anagrams:anagram_steps",
    "in_view": "models.codes.anagrams:in_view",
    "spherical": "models.codes.paths:spherical",
    "score_each": "models.scores.each:score_each",
    "likelihood_each": "models.scores.each:likelihood_each",
    "score": "models.scores.scores:score",
    "downhill": "models.scores.energies:downhill",
    "energy_slope": "models.scores.energies:energy_slope",
    "background_of": "models.scores.background:background_of",
    "auroc": "models.evaluation.metrics:auroc",
    "spoilt": "models.data.corruption:spoilt",
    "schedule": "models.families.diffusion.schedules:schedule",
    "schedules": "models.families.diffusion.schedules",
}


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'models' has no attribute {name!r}")
    module, _, attribute = PUBLIC[name].partition(":")
    found = import_module(module)
    return getattr(found, attribute) if attribute else found


def __dir__() -> list[str]:
    return sorted({*globals(), *PUBLIC})
