"""Artifacts to layers to an OCI image, without executing anything."""
