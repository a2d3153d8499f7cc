"""`run`: one execution of a training, and the record of it."""
