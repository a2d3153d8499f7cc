"""reprobuild: a training run as one file, and on any other machine one answer about it."""

__version__ = "0.1.0"
