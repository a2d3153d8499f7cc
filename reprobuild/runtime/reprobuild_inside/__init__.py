"""What is at work inside a training's own processes. Standard library of Python 3.8 or later alone; it imports no
framework, and never ends a training: what it could not do is told in the record.
"""
