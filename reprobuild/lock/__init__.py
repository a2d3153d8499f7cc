"""What is locked: the index of all artifacts, and one module or folder an ecosystem."""
