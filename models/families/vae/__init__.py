"""The variational autoencoder, and the networks and the learned prior that it is made of."""
