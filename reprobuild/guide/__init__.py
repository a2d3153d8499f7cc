"""The training reproducibility guide: what is measured, what people declare, what is missing, and how it is written."""
