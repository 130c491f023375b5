"""The parts of the Pixels tab, one module each.

A part has ``TITLE``, handlers that are plain functions of plain values, and ``build(context)``,
which adds its components and wires them. What they share (settings, writing a picture and what its
values surprised the model by) is in ``written``.
"""
