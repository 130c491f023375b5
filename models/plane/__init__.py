"""Every kind of model on points of the plane, where all of it can be seen at once.

A file a method, with the equations of its paper and a small network; ``contract`` says what they
share, ``data`` has sets whose density is known, ``run`` trains, ``film`` keeps what is to be seen.

``METHODS`` names each by a dotted path, so that importing this costs nothing; the order is that of
a lecture. ``models.plane.contract.method`` gives the class.
"""

METHODS = {
    "histogram": "models.plane.histogram:Histogram",
    "kernel-density": "models.plane.kernel_density:KernelDensity",
    "gaussian-mixture": "models.plane.gaussian_mixture:GaussianMixture",
    "autoregressive": "models.plane.autoregressive:Autoregressive",
    "vae-1": "models.plane.vae:LineVAE",
    "vae-2": "models.plane.vae:PlaneVAE",
    "coupling": "models.plane.coupling:Coupling",
    "spline": "models.plane.spline:Spline",
    "continuous-flow": "models.plane.continuous_flow:ContinuousFlow",
    "gan-minimax": "models.plane.gan_minimax:MinimaxGAN",
    "gan": "models.plane.gan:GAN",
    "gan-wasserstein": "models.plane.gan_wasserstein:WassersteinGAN",
    "energy": "models.plane.energy:Energy",
    "score": "models.plane.score:DenoisingScore",
    "score-sliced": "models.plane.score_sliced:SlicedScore",
    "ddpm": "models.plane.ddpm:DDPM",
    "flow-matching": "models.plane.flow_matching:FlowMatching",
    "one-step": "models.plane.one_step:OneStep",
}
