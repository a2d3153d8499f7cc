"""A character transformer with dropout and attention, fed by two worker processes that crop the text at random."""

import json
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

TEXT = "".join(f"{number} and {number % 7} make {number + number % 7}. " for number in range(200))
LETTERS = sorted(set(TEXT))
LENGTH, WIDTH = 24, 32


class Crops(Dataset):
    """Pieces of the text, from a place that the worker's generator chooses."""

    def __init__(self):
        self.codes = torch.tensor([LETTERS.index(letter) for letter in TEXT])

    def __len__(self):
        return 256

    def __getitem__(self, index):
        start = int(torch.randint(len(self.codes) - LENGTH, ()))
        return self.codes[start : start + LENGTH + 1]


class Model(nn.Module):
    """Embeddings, one block with causal attention, and a prediction of each next letter."""

    def __init__(self):
        super().__init__()
        self.letters, self.places = nn.Embedding(len(LETTERS), WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.block = nn.TransformerEncoderLayer(WIDTH, nhead=4, dim_feedforward=64, dropout=0.1, batch_first=True)
        self.out = nn.Linear(WIDTH, len(LETTERS))
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(LENGTH))

    def forward(self, codes):
        seen = self.letters(codes) + self.places(torch.arange(LENGTH))
        return self.out(self.block(seen, src_mask=self.mask, is_causal=True))


def main():
    model = Model()
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(3):
        for codes in DataLoader(Crops(), batch_size=32, num_workers=2, shuffle=True):
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(model(codes[:, :-1]).flatten(0, 1), codes[:, 1:].flatten())
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            losses.append(loss.item())
    out = Path("out")
    out.mkdir(exist_ok=True)
    torch.save(model.state_dict(), out / "weights.pt")
    (out / "metrics.json").write_text(json.dumps({"first_loss": losses[0], "loss": losses[-1]}))


if __name__ == "__main__":
    main()
