"""Gradient boosting in both of scikit-learn's forms: trees of their own, and histograms by OpenMP's threads."""

import json
from pathlib import Path

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier

points = np.random.normal(size=(600, 8))
labels = np.sin(points[:, 0]) + points[:, 1] ** 2 + 0.2 * np.random.normal(size=600) > 1
trees = GradientBoostingClassifier(n_estimators=20, subsample=0.7, max_features=4).fit(points, labels)
histograms = HistGradientBoostingClassifier(max_iter=20, max_features=0.5, min_samples_leaf=10).fit(points, labels)

out = Path("out")
out.mkdir(exist_ok=True)
nodes = [tree.tree_ for tree in trees.estimators_.ravel()]
np.savez(
    out / "model.npz",
    features=np.concatenate([tree.feature for tree in nodes]),
    thresholds=np.concatenate([tree.threshold for tree in nodes]),
    values=np.concatenate([tree.value.ravel() for tree in nodes]),
    histograms=histograms.decision_function(points),
)
metrics = {"trees": trees.score(points, labels), "histograms": histograms.score(points, labels)}
(out / "metrics.json").write_text(json.dumps(metrics))
