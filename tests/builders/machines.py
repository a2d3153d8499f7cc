"""What every case of `tests/machines` must hold; a test module names its cases, one class for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from builders.cases import ALL_CORES, EMULATED, ONE_CORE, Machine, read_cases
from builders.frameworks import Frameworks, Training

MARKS = [pytest.mark.network, pytest.mark.sandbox, pytest.mark.emulation, pytest.mark.slow]


class CaseTests:
    """The tests of one case; its bundles last as long as they do, because each holds the whole image."""

    case: ClassVar[str]

    @pytest.fixture(scope="class")
    @classmethod
    def portable(cls, frameworks: Frameworks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Training]:
        with cls.trained(frameworks, tmp_path_factory.mktemp(cls.case), "portable") as training:
            yield training

    @pytest.fixture(scope="class")
    @classmethod
    def native(cls, frameworks: Frameworks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Training]:
        with cls.trained(frameworks, tmp_path_factory.mktemp(cls.case), "native") as training:
            yield training

    @classmethod
    @contextmanager
    def trained(cls, frameworks: Frameworks, folder: Path, profile: str) -> Iterator[Training]:
        training = read_cases()[cls.case].lay(frameworks, folder / cls.case, profile)
        training.run()
        yield training
        (training.project / "bundle.tar").unlink()

    def test_the_native_profile_gives_the_same_twice_on_one_machine(self, native: Training) -> None:
        report = ALL_CORES.replay(native)

        assert report["verdict"] == "identical", report["reasons"]

    def test_the_portable_profile_gives_the_same_on_one_core(self, portable: Training) -> None:
        report = ONE_CORE.replay(portable)

        assert report["verdict"] == "identical", report["reasons"]

    @pytest.mark.parametrize("machine", EMULATED, ids=str)
    def test_the_portable_profile_gives_the_same_on(self, machine: Machine, portable: Training) -> None:
        report = machine.replay(portable)

        assert report["verdict"] == "identical", report["reasons"]
        assert report["prediction"]["kind"] != "expected different", report["prediction"]

    def test_it_comes_out_different_when_it_should(
        self, frameworks: Frameworks, portable: Training, tmp_path: Path
    ) -> None:
        assert read_cases()[self.case].control_verdict(frameworks, portable, tmp_path / self.case) == "different"
