"""Classify the rows of a table by logistic regression; made by reprobuild init as a beginning.

No seed is set here: reprobuild sets NumPy's before the first line.
"""

import argparse
import json
from pathlib import Path

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--learning-rate", type=float, default=0.5)
    args = parser.parse_args()

    rows = np.random.normal(size=(1000, 4))  # put your table here: np.loadtxt("data/table.csv", delimiter=",")
    labels = rows @ np.array([1.5, -2.0, 1.0, 0.0]) + np.random.normal(scale=0.5, size=1000) > 0
    weights = np.zeros(4)
    for _ in range(args.epochs):
        chances = 1 / (1 + np.exp(-rows[:800] @ weights))
        weights -= args.learning_rate * rows[:800].T @ (chances - labels[:800]) / 800

    accuracy = float(np.mean((rows[800:] @ weights > 0) == labels[800:]))
    print(f"accuracy {accuracy:.4f}")
    Path("out").mkdir(exist_ok=True)
    np.savez("out/model.npz", weights=weights)
    Path("out/metrics.json").write_text(json.dumps({"accuracy": accuracy}) + "\n")


if __name__ == "__main__":
    main()
