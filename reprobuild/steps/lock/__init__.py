"""`lock`: what a project wants, resolved to the last byte."""
