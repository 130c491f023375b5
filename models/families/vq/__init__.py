"""Discrete codes, and the prior that is learned over them."""
