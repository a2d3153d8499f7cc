"""A random forest of scikit-learn, grown by two threads."""

import json
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier

points = np.random.normal(size=(600, 8))
labels = (points[:, :3] + 0.3 * np.random.normal(size=(600, 3))).argmax(axis=1)
forest = RandomForestClassifier(n_estimators=30, min_samples_leaf=2, oob_score=True, n_jobs=2).fit(points, labels)

out = Path("out")
out.mkdir(exist_ok=True)
trees = [tree.tree_ for tree in forest.estimators_]
np.savez(
    out / "model.npz",
    features=np.concatenate([tree.feature for tree in trees]),
    thresholds=np.concatenate([tree.threshold for tree in trees]),
    values=np.concatenate([tree.value.ravel() for tree in trees]),
    importances=forest.feature_importances_,
)
(out / "metrics.json").write_text(json.dumps({"accuracy": forest.score(points, labels), "oob": forest.oob_score_}))
