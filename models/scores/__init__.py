"""How strange a picture is to a model."""
