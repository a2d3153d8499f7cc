"""What decides the bits of arithmetic: the pins of each numerics profile."""
