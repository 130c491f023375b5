"""The parts of the Map tab, one module each.

A part has ``TITLE``, ``NEEDS``, handlers that are plain functions of plain values, and
``build(context)``, which adds its components and wires them.
"""
