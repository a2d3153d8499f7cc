"""The bundle: one tar that is an OCI image layout; its strict writer and reader."""
