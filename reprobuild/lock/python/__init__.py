"""Wheels: what fits an image, which file of a release it is, and whether a set of pins is complete."""
