"""conda packages: what an environment asks for, what conda-lock found, and which Python that gives an image."""
