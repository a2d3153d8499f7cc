"""`image`: from a lock to an image in the store, and to one that can run."""
