"""Where a project has its guide, and the page beside it."""

PLACE = "docs/TRAINING_REPRODUCIBILITY.md"
PAGE = "docs/TRAINING_REPRODUCIBILITY.html"
