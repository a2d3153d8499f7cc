"""Four models of scikit-learn, and NumPy alone, on other machines."""

from builders.machines import MARKS, CaseTests

pytestmark = MARKS


class TestGradientBoosting(CaseTests):
    case = "gradient-boosting"


class TestRandomForest(CaseTests):
    case = "random-forest"


class TestLogisticRegression(CaseTests):
    case = "logistic-regression"


class TestNeuralNetwork(CaseTests):
    case = "neural-network"


class TestNumpyLoop(CaseTests):
    case = "numpy-loop"
