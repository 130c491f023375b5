"""A model's forward pass in JavaScript, and its weights for it: what runs in a page with no Python.

``forward/`` has the passes, a file a family or a kind of layer; they follow the modules of
``models.families`` by name. ``portable`` says of a loaded model which of its weights and settings a
pass needs, ``packing`` writes them as bytes, ``command`` is ``python -m models export``. That they
give what torch gives, ``tests/browser/test_export.py`` holds in a browser.
"""
