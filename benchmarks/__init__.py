"""How long things take beside what people use today, as ratios in one run."""
