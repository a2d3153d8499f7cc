"""Two processes of `torchrun` train one model together: gloo averages their gradients over the loopback device."""

import json
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def main():
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    points = torch.randn(256, 10)  # each process has its own part
    target = torch.tanh(points.sum(dim=1)) + 0.1 * torch.randn(256)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1)))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(3):
        for batch in torch.randperm(256).split(32):
            optimiser.zero_grad()
            loss = nn.functional.mse_loss(model(points[batch]).squeeze(1), target[batch])
            loss.backward()
            optimiser.step()
    total = loss.detach().clone()
    dist.all_reduce(total)
    sums = [torch.zeros(()) for _ in range(2)]
    dist.all_gather(sums, points.sum())
    if rank == 0:
        out = Path("out")
        out.mkdir(exist_ok=True)
        torch.save(model.module.state_dict(), out / "weights.pt")
        metrics = {"loss": total.item() / 2, "ranks_differ": float(sums[0] != sums[1])}
        (out / "metrics.json").write_text(json.dumps(metrics))
    # The reducer's reference to the group must not be the last: it would wait for gloo's threads and hold the GIL.
    del model, optimiser, loss
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
