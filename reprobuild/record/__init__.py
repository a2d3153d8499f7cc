"""The record of one run, and the comparison of two."""
