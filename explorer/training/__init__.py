"""What the Train tab is made of.

``setup``: data, family, size and settings become a recipe, and what it will take; ``pictures``: a
person's own pictures as a data set; ``watch``: a run as curves and films; ``keep``: what becomes of
a model afterwards, and ``yours``, its controls; ``mine``: handlers that are told whose page it is.
"""
