"""The parts of the Score tab, one module each.

A part has ``TITLE``, handlers that are plain functions of plain values, and ``build(context)``,
which adds its components and wires them. What they share is in ``scored`` (scores as arrays, the
sets a picture is held against) and ``examples`` (pictures that need no data set).
"""
