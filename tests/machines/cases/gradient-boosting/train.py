"""Gradient boosting of scikit-learn, each tree grown on a part of the points."""

import json
from pathlib import Path

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier

points = np.random.normal(size=(600, 8))
labels = np.sin(points[:, 0]) + points[:, 1] ** 2 + 0.2 * np.random.normal(size=600) > 1
model = GradientBoostingClassifier(n_estimators=20, subsample=0.7, max_features=4).fit(points, labels)

out = Path("out")
out.mkdir(exist_ok=True)
trees = [tree.tree_ for tree in model.estimators_.ravel()]
np.savez(
    out / "model.npz",
    features=np.concatenate([tree.feature for tree in trees]),
    thresholds=np.concatenate([tree.threshold for tree in trees]),
    values=np.concatenate([tree.value.ravel() for tree in trees]),
)
(out / "metrics.json").write_text(json.dumps({"accuracy": model.score(points, labels), "loss": model.train_score_[-1]}))
