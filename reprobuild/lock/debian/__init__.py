"""Debian archives: what a signed release offers, and the closure of a set of packages. Reads no file and no network."""
