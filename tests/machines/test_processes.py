"""Trainings of PyTorch in several processes, loader workers and ranks, on other machines."""

from builders.machines import MARKS, CaseTests

pytestmark = MARKS


class TestTransformer(CaseTests):
    case = "transformer"


class TestTorchrun(CaseTests):
    case = "torchrun"
