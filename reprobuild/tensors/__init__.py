"""Trained models read without running anything: their tensors by name, and where the numbers are."""
