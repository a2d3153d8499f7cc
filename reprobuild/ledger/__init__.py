"""The runs of a project as rows of one table: what is told of each, and which of them are wanted in which order."""
