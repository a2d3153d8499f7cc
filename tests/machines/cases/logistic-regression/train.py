"""Logistic regression of scikit-learn on standardised points, by L-BFGS and by SAGA."""

import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

points = np.random.normal(size=(500, 24)) * np.linspace(0.1, 10, 24)
labels = (points[:, -4:] + 3 * np.random.normal(size=(500, 4))).argmax(axis=1)
models = {
    "lbfgs": make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)).fit(points, labels),
    "saga": make_pipeline(StandardScaler(), LogisticRegression(solver="saga", tol=1e-3)).fit(points, labels),
}

out = Path("out")
out.mkdir(exist_ok=True)
np.savez(
    out / "model.npz",
    **{f"{name}_coefficients": model[-1].coef_ for name, model in models.items()},
    **{f"{name}_intercepts": model[-1].intercept_ for name, model in models.items()},
)
metrics = {name: model.score(points, labels) for name, model in models.items()}
(out / "metrics.json").write_text(json.dumps(metrics))
