"""`probe`: what an image computes on this machine, and what that lets expect of a replay."""
