"""An MLP of PyTorch with optimisers that take square roots, on other machines."""

from builders.machines import MARKS, CaseTests

pytestmark = MARKS


class TestAdam(CaseTests):
    case = "mlp-adam"


class TestAdamW(CaseTests):
    case = "mlp-adamw"
