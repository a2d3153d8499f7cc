"""A neural network of scikit-learn, with Adam and early stopping on a part that it sets aside."""

import json
from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPClassifier

points = np.random.normal(size=(400, 16))
labels = (points[:, :4] + 0.3 * np.random.normal(size=(400, 4))).argmax(axis=1)
network = MLPClassifier((48, 24), "tanh", learning_rate_init=0.01, max_iter=30, early_stopping=True)
network.fit(points, labels)

out = Path("out")
out.mkdir(exist_ok=True)
arrays = {f"weights_{layer}": values for layer, values in enumerate(network.coefs_)}
np.savez(out / "model.npz", **arrays, **{f"biases_{layer}": bias for layer, bias in enumerate(network.intercepts_)})
(out / "metrics.json").write_text(json.dumps({"accuracy": network.score(points, labels), "loss": network.loss_}))
