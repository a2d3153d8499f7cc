"""The sections of the guide in their order, and which statements each of them needs: data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """One section: `topics` are the tables of `guide.toml` that it asks for, `optional` those it only repeats."""

    name: str
    title: str
    topics: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


SECTIONS = (
    Section("replay", "How to replay", (), ("replay",)),
    Section("seeds", "Random seeds", (), ("seeds",)),
    Section("libraries", "Library versions", (), ("libraries",)),
    Section("hardware", "Hardware", (), ("hardware",)),
    Section("hyperparameters", "Hyperparameters", (), ("hyperparameters",)),
    Section("architecture", "Model architecture", ("architecture",)),
    Section("data", "Training data", ("data", "preprocessing", "splits")),
    Section("evaluation", "Evaluation and metrics", ("evaluation",)),
    Section("fairness", "Bias and fairness", ("fairness",)),
    Section("experiments", "Experiments", (), ("experiments",)),
    Section("versioning", "Versioning, A/B testing and rollback", ("versioning", "ab_test", "rollback")),
    Section("monitoring", "Monitoring", ("model_drift", "data_drift", "degradation")),
    Section("retraining", "Retraining and deprecation", ("retraining", "deprecation")),
    Section("business", "Business criteria", ("business",)),
    Section("limitations", "Limitations", ("limitations",)),
)
BY_NAME = {section.name: section for section in SECTIONS}
