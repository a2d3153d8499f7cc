"""Tell horizontal from vertical bars in small pictures; made by reprobuild init as a beginning.

No seed is set here: reprobuild sets NumPy's before the first line.
"""

import argparse
import json
from pathlib import Path

import numpy as np


def pictures(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy pictures of 8 by 8 pixels with one bar each, and whether it is vertical; put your own here."""
    found, vertical = np.random.normal(scale=0.3, size=(count, 8, 8)), np.random.randint(0, 2, count)
    for picture, upright, place in zip(found, vertical, np.random.randint(0, 8, count), strict=True):
        picture[(slice(None), place) if upright else place] += 1.0
    edges = np.abs(np.diff(found, axis=2)).mean(axis=(1, 2)) - np.abs(np.diff(found, axis=1)).mean(axis=(1, 2))
    return np.column_stack((edges, np.ones(count))), vertical


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--learning-rate", type=float, default=5.0)
    args = parser.parse_args()

    (train_x, train_y), (test_x, test_y) = pictures(800), pictures(200)
    weights = np.zeros(train_x.shape[1])
    for _ in range(args.epochs):
        chances = 1 / (1 + np.exp(-train_x @ weights))
        weights -= args.learning_rate * train_x.T @ (chances - train_y) / len(train_y)

    accuracy = float(np.mean((test_x @ weights > 0) == test_y))
    print(f"accuracy {accuracy:.4f}")
    Path("out").mkdir(exist_ok=True)
    np.savez("out/model.npz", weights=weights)
    Path("out/metrics.json").write_text(json.dumps({"accuracy": accuracy}) + "\n")


if __name__ == "__main__":
    main()
