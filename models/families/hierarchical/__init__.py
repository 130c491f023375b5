"""Hierarchical latent variables: codes of codes, from one point to every pixel."""
