"""The families of models: one file each, or a folder where a family has several parts."""
