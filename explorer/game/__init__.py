"""The parts of the Game tab, one module each.

A part has ``TITLE``, handlers that are plain functions of plain values, and ``build(context)``,
which adds its components and wires them.
"""
