"""Small values that everything may use: errors, digests, canonical bytes, strict tar entries."""
