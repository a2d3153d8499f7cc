"""An LSTM learns to continue waves of unknown pace."""

import json
from pathlib import Path

import torch
from torch import nn

pace = 0.2 + torch.rand(128, 1)
waves = torch.sin(pace * torch.arange(25) + torch.rand(128, 1)) + 0.05 * torch.randn(128, 25)
network, head = nn.LSTM(1, 24, num_layers=2, dropout=0.1, batch_first=True), nn.Linear(24, 1)
weights = [*network.parameters(), *head.parameters()]
optimiser = torch.optim.Adam(weights, lr=0.01)
losses = []
for _ in range(4):
    for batch in torch.randperm(128).split(32):
        optimiser.zero_grad()
        states, _ = network(waves[batch, :-1, None])
        loss = nn.functional.mse_loss(head(states).squeeze(2), waves[batch, 1:])
        loss.backward()
        optimiser.step()
        losses.append(loss.item())

out = Path("out")
out.mkdir(exist_ok=True)
torch.save({"network": network.state_dict(), "head": head.state_dict()}, out / "weights.pt")
(out / "metrics.json").write_text(json.dumps({"first_loss": losses[0], "loss": losses[-1]}))
