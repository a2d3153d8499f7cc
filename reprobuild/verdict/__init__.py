"""Recorded against seen: values, machines, and the verdict with its reasons."""
