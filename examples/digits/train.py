"""Train a small neural network on handwritten digits.

No seed is set here: reprobuild sets NumPy's before the first line, and scikit-learn draws from it.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import yaml
from sklearn.metrics import accuracy_score, log_loss, recall_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, required=True)
    epochs = parser.parse_args().epochs
    params = yaml.safe_load(Path("params.yaml").read_text())
    learning_rate = json.loads(Path(os.environ["REPROBUILD_PARAMS"]).read_text())["learning_rate"]

    table = np.loadtxt("data/digits.csv", delimiter=",", skiprows=1)
    pixels, digits = table[:, :-1] / 16, table[:, -1].astype(int)
    train_x, test_x, train_y, test_y = train_test_split(pixels, digits, test_size=params["test_share"])

    model = MLPClassifier(
        hidden_layer_sizes=(params["hidden_units"],),
        batch_size=params["batch_size"],
        learning_rate_init=learning_rate,
    )
    for epoch in range(1, epochs + 1):
        model.partial_fit(train_x, train_y, classes=range(10))
        print(f"epoch {epoch:2}  loss {model.loss_:.4f}")

    chances = model.predict_proba(test_x)
    recalls = recall_score(test_y, chances.argmax(axis=1), average=None)
    metrics = {
        "accuracy": accuracy_score(test_y, chances.argmax(axis=1)),
        "loss": log_loss(test_y, chances),
        "recall_lowest": recalls.min(),
        "recall_highest": recalls.max(),
    }
    weights = {f"weights_{i}": layer for i, layer in enumerate(model.coefs_)}
    biases = {f"biases_{i}": layer for i, layer in enumerate(model.intercepts_)}

    Path("out").mkdir(exist_ok=True)
    np.savez("out/model.npz", **weights, **biases)
    Path("out/metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")


if __name__ == "__main__":
    main()
