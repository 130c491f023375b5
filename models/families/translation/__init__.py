"""Pictures of one kind made out of pictures of another."""
