"""Deep generative models behind one contract; no page, no plots, no gradio in here.

``FAMILIES`` names every family by the class that implements it. The values are dotted paths, not
classes, so that importing ``models`` costs nothing: the page lists checkpoints (a JSON header each)
long before torch is needed. ``family("vae")`` gives the class.
"""

from importlib import import_module

__version__ = "0.1.0"

FAMILIES = {
    "vae": "models.vae:VAE",
    "diffusion": "models.diffusion:Diffusion",
    "autoregressive": "models.autoregressive:Autoregressive",
    "flow": "models.flow:Flow",
    "gan": "models.gan:GAN",
    "rbm": "models.rbm:RBM",
    "classifier": "models.classifier:Classifier",
}


_FACE = {
    "generator": "models.base",
    "normal": "models.base",
    "load": "models.checkpoint",
    "read_header": "models.checkpoint",
    "uniform": "models.base",
    "schedule": "models.schedules",
    "spherical": "explorer.latents",
}

__all__ = ["FAMILIES", "family", *_FACE]


def __getattr__(name: str):
    if name not in _FACE:
        raise AttributeError(name)
    return getattr(import_module(_FACE[name]), name)


def family(name: str) -> type:
    """The class of a family. Raises ValueError, naming the known ones, where there is none."""
    if name not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ValueError(f"There is no model family '{name}'. Known families: {known}.")
    module, _, attribute = FAMILIES[name].partition(":")
    return getattr(import_module(module), attribute)
