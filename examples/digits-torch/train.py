"""Train a small neural network on handwritten digits, in PyTorch.

No seed is set here: reprobuild sets PyTorch's, and its deterministic switches, before the first line.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import nn


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, required=True)
    epochs = parser.parse_args().epochs
    params = yaml.safe_load(Path("params.yaml").read_text())
    learning_rate = json.loads(Path(os.environ["REPROBUILD_PARAMS"]).read_text())["learning_rate"]

    table = torch.from_numpy(np.loadtxt("/data/digits", delimiter=",", skiprows=1))
    table = table[torch.randperm(len(table))]
    pixels, digits = table[:, :-1].float() / 16, table[:, -1].long()
    tested = int(len(table) * params["test_share"])
    test_x, train_x = pixels[:tested], pixels[tested:]
    test_y, train_y = digits[:tested], digits[tested:]

    model = nn.Sequential(nn.Linear(64, params["hidden_units"]), nn.ReLU(), nn.Linear(params["hidden_units"], 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    loss_of = nn.CrossEntropyLoss()
    for epoch in range(1, epochs + 1):
        for batch in torch.randperm(len(train_x)).split(params["batch_size"]):
            optimizer.zero_grad()
            loss = loss_of(model(train_x[batch]), train_y[batch])
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch:2}  loss {loss.item():.4f}")

    with torch.no_grad():
        answers = model(test_x)
    accuracy = (answers.argmax(dim=1) == test_y).float().mean().item()
    metrics = {"accuracy": accuracy, "loss": loss_of(answers, test_y).item()}

    Path("out").mkdir(exist_ok=True)
    np.savez("out/model.npz", **{name: value.numpy() for name, value in model.state_dict().items()})
    Path("out/metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")


if __name__ == "__main__":
    main()
