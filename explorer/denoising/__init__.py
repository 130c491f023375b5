"""The parts of the Denoise tab, one module each.

A part has ``TITLE``, handlers that are plain functions of plain values, and ``build(context)``,
which adds its components and wires them. ``context.on_show`` and ``context.notes`` mean the part
being built, so it computes when it is first on screen with a model. What the parts share (running
a sampler, checking settings, laying pictures out) is in ``trajectory``.
"""
