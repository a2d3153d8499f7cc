"""A convolutional network tells pictures of lines apart: convolution, batch norm, pooling, and a schedule."""

import json
from pathlib import Path

import torch
from torch import nn

pictures = 0.3 * torch.randn(256, 1, 16, 16)
labels = torch.arange(256) % 4
for index in range(256):
    place = int(torch.randint(2, 14, ()))
    picture = pictures[index, 0]
    line = [picture[place, :], picture[:, place], picture.diagonal(), picture.flip(0).diagonal()][index % 4]
    line += 1
model = nn.Sequential(
    *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)),
    *(nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(2)),
    *(nn.Flatten(), nn.Linear(64, 4)),
)
optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=4)
for _ in range(4):
    for batch in torch.randperm(256).split(32):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(pictures[batch]), labels[batch])
        loss.backward()
        optimiser.step()
    schedule.step()

model.eval()
out = Path("out")
out.mkdir(exist_ok=True)
torch.save(model.state_dict(), out / "weights.pt")
accuracy = (model(pictures).argmax(dim=1) == labels).double().mean().item()
(out / "metrics.json").write_text(json.dumps({"accuracy": accuracy, "loss": loss.item()}))
