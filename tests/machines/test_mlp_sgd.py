"""An MLP of PyTorch whose optimisers need no square root of their own, on other machines."""

from builders.machines import MARKS, CaseTests

pytestmark = MARKS


class TestSgd(CaseTests):
    case = "mlp-sgd"


class TestFusedAdam(CaseTests):
    case = "mlp-fused-adam"
