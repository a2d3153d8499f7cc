"""Operations that no pin makes alike on all CPUs, computed by others that are; only where the profile asks for it."""
