"""The numeric probe: a fixed battery of operations whose results are hashed, so that two machines can be compared.

`python -m reprobuild_probe` prints one JSON document. It runs in an image or outside any, on any Python from 3.8, needs
the standard library alone, and tries each library that can be imported.
"""

VERSION = 1
"""Of the battery: digests of two versions are not compared."""
