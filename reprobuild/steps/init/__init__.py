"""`init`: what makes a folder a project."""
