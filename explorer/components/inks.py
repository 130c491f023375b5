"""The inks that figures share."""

# Of the sets that are not the model's own: unlike the accent, which the picture's mark has.
INKS = ("#3f90da", "#832db6", "#2e9e75", "#b9ac70", "#a96b59", "#92dadd", "#717581", "#d65f8d")
