"""Tell praise from blame by counting words (naive Bayes); made by reprobuild init as a beginning.

No seed is set here: reprobuild sets NumPy's before the first line.
"""

import argparse
import json
from pathlib import Path

import numpy as np

WORDS = ["good", "fine", "bright", "bad", "dull", "poor", "the", "a", "it", "was", "film", "plot"]


def sentences(count: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each word stands in a sentence, and whether it praises; count the words of your own texts here."""
    praise = np.random.randint(0, 2, count)
    leaning = np.array([3.0] * 3 + [1.0] * 3 + [2.0] * 6)
    chances = np.where(praise[:, None] == 1, leaning, leaning[[3, 4, 5, 0, 1, 2, *range(6, 12)]])
    return np.random.poisson(chances / 4), praise


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--smoothing", type=float, default=1.0)
    args = parser.parse_args()

    (train_x, train_y), (test_x, test_y) = sentences(args.sentences), sentences(500)
    counts = np.stack([train_x[train_y == label].sum(axis=0) + args.smoothing for label in (0, 1)])
    weights = np.log(counts / counts.sum(axis=1, keepdims=True))

    accuracy = float(np.mean((test_x @ weights.T).argmax(axis=1) == test_y))
    print(f"accuracy {accuracy:.4f}; most telling: {WORDS[int(np.argmax(weights[1] - weights[0]))]}")
    Path("out").mkdir(exist_ok=True)
    np.savez("out/model.npz", weights=weights)
    Path("out/metrics.json").write_text(json.dumps({"accuracy": accuracy}) + "\n")


if __name__ == "__main__":
    main()
