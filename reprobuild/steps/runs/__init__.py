"""`runs`: the recorded runs of a project."""
