"""Fit a line by gradient descent; made by reprobuild init as a beginning.

No seed is set here: reprobuild sets NumPy's before the first line.
"""

import argparse
import json
from pathlib import Path

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    args = parser.parse_args()

    inputs = np.random.normal(size=(500, 3))
    targets = inputs @ np.array([2.0, -1.0, 0.5]) + np.random.normal(scale=0.1, size=500)
    weights = np.zeros(3)
    for _ in range(args.epochs):
        errors = inputs[:400] @ weights - targets[:400]
        weights -= args.learning_rate * inputs[:400].T @ errors / 400

    loss = float(np.mean((inputs[400:] @ weights - targets[400:]) ** 2))
    print(f"loss {loss:.4f}")
    Path("out").mkdir(exist_ok=True)
    np.savez("out/model.npz", weights=weights)
    Path("out/metrics.json").write_text(json.dumps({"loss": loss}) + "\n")


if __name__ == "__main__":
    main()
