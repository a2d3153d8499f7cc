"""Runs in the image before the user's first line, in every Python process that a training starts (`site`)."""

import importlib.machinery
import importlib.util
import os
import sys

import reprobuild_inside.start


def _next_sitecustomize() -> None:
    """The distribution's or user's own sitecustomize, which this one hides."""
    here = os.path.dirname(os.path.abspath(__file__))
    elsewhere = [path for path in sys.path if os.path.abspath(path or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


reprobuild_inside.start.start()
_next_sitecustomize()
