"""From a recipe to a checkpoint: in one go, or watched and steered from outside."""
