"""Checkpoints: one folder a model, safetensors with everything known about it, a card to read.

    pretrained/NAME/model.safetensors    the weights; config, recipe, seed, data, metrics inside
                    recipe.toml          what training it again needs
                    card.md              the same facts for people (Hugging Face model-card form)
                    preview.webp         an 8 x 8 grid that the model sampled with seed 0
                    codes.safetensors    codes of test images and their fitted map, where it encodes
                    scores.safetensors   anomaly scores of its own and of other data, where measured
                    snapshots/           the model on its way, where the recipe asks for that

Nothing here unpickles. ``read_header`` reads a few kilobytes of JSON and needs no torch, so a page
can list a hundred models before the first one is loaded. Weights are stored as float16, half the
size, and computed with as float32: every number on a card was measured on the stored weights.
"""
