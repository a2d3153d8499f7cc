"""The verbs: each takes nouns and tools and returns a value."""
