"""A small network on made-up points, with the optimiser that the command names; seeds are left to the runtime."""

import json
import sys
from pathlib import Path

import torch
from torch import nn

OPTIMISERS = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9),
    "adam": lambda weights: torch.optim.Adam(weights, lr=0.01),
    "fused-adam": lambda weights: torch.optim.Adam(weights, lr=0.01, fused=True),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=0.01),
}
points = torch.randn(512, 20)
labels = (points[:, :5] + 0.3 * torch.randn(512, 5)).argmax(dim=1)
model = nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 5))
optimiser = OPTIMISERS[sys.argv[1]](model.parameters())
for _ in range(8):
    for batch in torch.randperm(512).split(32):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(points[batch]), labels[batch])
        loss.backward()
        optimiser.step()

out = Path("out")
out.mkdir(exist_ok=True)
torch.save(model.state_dict(), out / "weights.pt")
accuracy = (model(points).argmax(dim=1) == labels).double().mean().item()
(out / "metrics.json").write_text(json.dumps({"accuracy": accuracy, "loss": loss.item()}))
