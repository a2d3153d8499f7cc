"""What a machine is, how two of them compare, and what an image needs of one."""
