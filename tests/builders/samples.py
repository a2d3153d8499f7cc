"""Folders as people have them before they know of reprobuild: what `init` is tested on."""

from pathlib import Path

from reprobuild.scaffold.folder import Folder

TABULAR: dict[str, str | bytes] = {
    "train.py": '''\
"""Churn model."""
import argparse
import json
from pathlib import Path

import joblib
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from features import prepare

OUT = Path("models")


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="data/churn.csv", help="the table")
    parser.add_argument("--n-estimators", type=int, default=200)
    parser.add_argument("--max-depth", type=int, default=None)
    parser.add_argument("--test-size", type=float, default=0.2)
    parser.add_argument("--criterion", choices=["gini", "entropy"], default="gini")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--plot", action="store_true")
    return parser.parse_args()


def main():
    args = parse_args()
    table = prepare(pd.read_csv(args.data))
    train, test = train_test_split(table, test_size=args.test_size, random_state=args.seed)
    model = RandomForestClassifier(args.n_estimators, max_depth=args.max_depth, random_state=args.seed, n_jobs=-1)
    model.fit(train.drop(columns="churn"), train["churn"])
    auc = roc_auc_score(test["churn"], model.predict_proba(test.drop(columns="churn"))[:, 1])
    OUT.mkdir(exist_ok=True)
    joblib.dump(model, OUT / "model.joblib")
    with open(OUT / "metrics.json", "w") as stream:
        json.dump({"auc": auc}, stream)
    if args.plot:
        import matplotlib.pyplot as plt

        plt.savefig(OUT / "roc.png")


if __name__ == "__main__":
    main()
''',
    "features.py": "import numpy as np\n\n\ndef prepare(table):\n    return table.assign(age=np.log1p(table.age))\n",
    "requirements.txt": "pandas==2.2.3\nscikit-learn>=1.4\njoblib\n",
    "requirements-dev.txt": "pytest\n",
    "tests/test_features.py": "import pytest\n",
    "data/churn.csv": "age,churn\n30,0\n",
    "README.md": "# Churn\n",
}
VISION: dict[str, str | bytes] = {
    "scripts/train_classifier.py": """\
import os

import click
import torch
import torchvision
import yaml

from vision.model import Net

with open("configs/train.yaml") as stream:
    CONFIG = yaml.safe_load(stream)


@click.command()
@click.option("--epochs", default=30, show_default=True)
@click.option("--lr", type=float, default=1e-3)
@click.option("--images", required=True, type=click.Path(exists=True))
@click.option("--save-dir", default="checkpoints")
@click.option("--amp/--no-amp", default=True)
def main(epochs, lr, images, save_dir, amp):
    torch.manual_seed(7)
    torch.backends.cudnn.benchmark = True
    device = torch.device("cuda")
    data = torchvision.datasets.ImageFolder("data/images")
    base = torchvision.datasets.CIFAR10("data/cifar", download=True)
    model = Net().to(device)
    for epoch in range(epochs):
        loss = model(data).mean()
        loss.backward()
        torch.save(model.state_dict(), os.path.join(save_dir, f"epoch_{epoch}.pt"))
    torch.save(model.state_dict(), "model.pt")


if __name__ == "__main__":
    main()
""",
    "vision/__init__.py": "",
    "vision/model.py": "from torch import nn\n\n\nclass Net(nn.Module):\n    pass\n",
    "configs/train.yaml": "batch_size: 64\nworkers: 4\n",
    "data/images/cat/1.png": b"\x89PNG\r\n",
    "Dockerfile": """\
ARG CUDA=12.4.1
FROM nvidia/cuda:${CUDA}-runtime-ubuntu22.04 AS base
RUN apt-get update && apt-get install -y --no-install-recommends \\
    python3-pip libgl1-mesa-glx libturbojpeg=2.1.* \\
    git && rm -rf /var/lib/apt/lists/*
FROM base
COPY . /app
CMD ["python", "scripts/train_classifier.py"]
""",
    "pyproject.toml": """\
[project]
name = "cats-and-dogs"
requires-python = ">=3.9"
dependencies = ["torch>=2.2", "torchvision", "click", "pyyaml", "mytool @ git+https://example.org/mytool"]
[project.optional-dependencies]
dev = ["pytest"]
""",
}
TEXT: dict[str, str | bytes] = {
    "src/sentiment/__init__.py": "",
    "src/sentiment/train.py": """\
from pathlib import Path
from typing import Annotated

import typer
from datasets import load_dataset
from transformers import AutoModel, Trainer, set_seed

from sentiment.clean import clean

ROOT = Path(__file__).parent.parent.parent


def main(
    model: Annotated[str, typer.Option(help="its name")] = "distilbert-base-uncased",
    epochs: int = 3,
    learning_rate: float = typer.Option(5e-5, "--lr"),
    fp16: bool = False,
    output: Path = Path("runs/latest"),
):
    set_seed(13)
    reviews = load_dataset("imdb")
    extra = (ROOT / "corpus" / "extra.jsonl").read_text()
    trainer = Trainer(AutoModel.from_pretrained(model))
    trainer.train()
    (output / "eval_results.json").write_text("{}")


if __name__ == "__main__":
    typer.run(main)
""",
    "src/sentiment/clean.py": "import re\n\n\ndef clean(text):\n    return re.sub('<br>', '', text)\n",
    "corpus/extra.jsonl": "{}\n",
    "environment.yml": """\
name: sentiment
channels: [conda-forge]
dependencies:
  - python=3.11
  - pytorch
  - pip
  - pip:
      - transformers==4.44.0
      - datasets
""",
}
BARE: dict[str, str | bytes] = {
    "fit.py": """\
import numpy as np
import cv2
try:
    import tqdm
except ImportError:
    tqdm = None

x = np.loadtxt("measurements.csv", delimiter=",")
w = np.linalg.lstsq(x[:, :-1], x[:, -1], rcond=None)[0]
np.random.seed(3)
np.save("weights.npy", w)
print(w)
""",
    "measurements.csv": "1,2\n3,4\n",
    "notes.txt": "to do\n",
}
SAMPLES: dict[str, dict[str, str | bytes]] = {
    "tabular": TABULAR,
    "vision": VISION,
    "text": TEXT,
    "bare": BARE,
}


def lay(root: Path, files: dict[str, str | bytes]) -> Path:
    """The files in a folder of that name."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return root


def folder_of(files: dict[str, str | bytes], name: str = "sample") -> Folder:
    """The same as `init` would read it, without a disk."""
    texts = {path: text for path, text in files.items() if isinstance(text, str)}
    return Folder(name, {path: len(text) for path, text in files.items()}, texts)
