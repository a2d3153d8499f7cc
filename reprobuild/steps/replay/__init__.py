"""`replay` and `preflight`: a bundle from anyone, on this machine or an emulated one."""
