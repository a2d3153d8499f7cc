"""Trained models read without running anything: the names, types and shapes of their tensors."""
