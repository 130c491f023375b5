"""The commands of the command line, a module each, and what they may be asked."""
