"""A convolutional network and an LSTM of PyTorch, on other machines."""

from builders.machines import MARKS, CaseTests

pytestmark = MARKS


class TestConvolution(CaseTests):
    case = "convolution"


class TestLstm(CaseTests):
    case = "lstm"
