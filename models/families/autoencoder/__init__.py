"""Autoencoders: models that rebuild what they read, and are no distribution until one is added."""
