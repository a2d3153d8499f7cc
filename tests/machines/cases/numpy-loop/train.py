"""A network in NumPy alone: matrix products of OpenBLAS, powers, exponentials, and a solve at the end."""

import json
from pathlib import Path

import numpy as np

rng = np.random.default_rng()
points = rng.normal(size=(400, 30))
target = np.tanh(points @ rng.normal(size=30)) + np.abs(points[:, 0]) ** 1.5
first, second = rng.normal(size=(30, 50)) / 5, rng.normal(size=50) / 7
speeds = [np.zeros_like(first), np.zeros_like(second)]
for step in range(300):
    rows = rng.choice(400, 64, replace=False)
    hidden = 1 / (1 + np.exp(-(points[rows] @ first)))
    error = hidden @ second - target[rows]
    slopes = [points[rows].T @ (np.outer(error, second) * hidden * (1 - hidden)) / 64, hidden.T @ error / 64]
    rate = 0.1 * np.power(0.99, step)
    for weights, speed, slope in zip((first, second), speeds, slopes, strict=True):
        speed *= 0.9
        speed -= rate * slope
        weights += speed
hidden = 1 / (1 + np.exp(-(points @ first)))
second = np.linalg.solve(hidden.T @ hidden + 1e-3 * np.eye(50), hidden.T @ target)

out = Path("out")
out.mkdir(exist_ok=True)
np.savez(out / "model.npz", first=first, second=second)
loss = float(np.mean((hidden @ second - target) ** 2))
(out / "metrics.json").write_text(json.dumps({"loss": loss}))
