import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from builders.records import make_record, write_run

from reprobuild.ground.errors import ToolError
from reprobuild.hardware.fingerprint import Gpu
from reprobuild.steps.doctor.checkup import CORE, Checkup, Doors, Probe, Row, ask_all, conclude
from reprobuild.steps.doctor.doctor import PROBES, check_machine, render_checkup
from reprobuild.steps.doctor.machine import (
    CDI,
    EMULATOR,
    GIT,
    GPU,
    LOCALE,
    MEMORY,
    PROJECT,
    PYTHON,
    SANDBOXED,
    STORE,
    left_overs,
)
from reprobuild.steps.doctor.sources import ARCHIVES, CONDA, DOCKER, PIP, PODMAN
from reprobuild.tools.claim import claimed, is_claimed
from reprobuild.tools.fetch import MissingError
from reprobuild.tools.ledger import LEDGER, make_ledger
from reprobuild.tools.nvml import Nvidia
from reprobuild.tools.process import Finished
from reprobuild.tools.settings import Settings

PIP_CONFIG = "global.index-url='http://u:p@index.test/simple'\nglobal.extra-index-url='http://other.test/simple'\n"
APT = "".join(
    f"http://mirror.test/debian|main|{suite}|{suite}|{suite}\n"
    for suite in ("bookworm", "bookworm-updates", "bookworm-security")
)
ANSWERS = {
    "bwrap --version": "bubblewrap 0.8.0",
    "bwrap": "",
    "git": "git version 2.39.5",
    "apt-get": APT,
    "pip config": PIP_CONFIG,
}


class Programs:
    """A runner that answers by the first word or words; what is missing is not there."""

    def __init__(self, answers: Mapping[str, str | Finished | Exception]) -> None:
        self.answers, self.asked = answers, list[str]()

    def __call__(self, argv: Sequence[str], **_: Any) -> Finished:
        line = " ".join(argv)
        self.asked.append(line)
        for words, answer in self.answers.items():
            if line.startswith(words) or f" {words} " in line:
                if isinstance(answer, Exception):
                    raise answer
                return answer if isinstance(answer, Finished) else Finished(0, answer, "")
        raise ToolError(f"{argv[0]}: not found")

    def find(self, name: str) -> str | None:
        """As shutil.which."""
        return f"/usr/bin/{name}" if any(words.split()[0] == name for words in self.answers) else None


class Web:
    """A fetcher that answers, or fails as it is told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure, self.asked = failure, list[str]()

    def read(self, url: str, *, limit: int, accept: str = "*/*") -> Any:
        """Nothing small is read."""
        raise AssertionError(url)

    @contextmanager
    def stream(self, url: str, *, offset: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """See `Fetcher.stream`."""
        self.asked.append(url)
        if self.failure:
            raise self.failure
        yield offset, iter(())


def make_doors(folder: Path, programs: Programs | None = None, web: Web | None = None, **changes: Any) -> Doors:
    root = folder / "root"
    (root / "proc").mkdir(parents=True, exist_ok=True)
    (root / "proc/meminfo").write_text("MemTotal: 8000000 kB\nMemAvailable: 4000000 kB\n")
    runner, fetcher = programs or Programs(ANSWERS), web or Web()
    fields: dict[str, Any] = {
        "settings": Settings(folder / "store"),
        "project": folder,
        "environment": {
            "DOCKER_HOST": f"unix://{folder}/docker.sock",
            "CONTAINER_HOST": f"unix://{folder}/podman.sock",
        },
        "runner": runner,
        "open_fetcher": lambda _: fetcher,
        "find_program": runner.find,
        "ask_driver": Nvidia,
        "encoding": "utf-8",
        "platform": "linux",
        "patience": 0.5,
        "root": root,
    }
    return Doors(**{**fields, **changes})


def told(probe: Probe, doors: Doors) -> list[tuple[str, str, str]]:
    return [(row.state, row.found, row.remedy) for row in ask_all([probe], doors)]


def test_a_machine_that_has_everything_works(tmp_path: Path) -> None:
    checkup = check_machine(make_doors(tmp_path))

    assert (checkup.works, checkup.lacking) == (True, ())
    states = {row.name: row.state for row in checkup.rows}
    assert {states[name] for name in ("Python", "sandbox", "store", "git", "memory", "pip's index")} == {"ok"}
    assert (states["Debian bookworm"], states["Debian trixie"]) == ("ok", "missing")
    assert (states["GPU"], states["docker"], states["podman"]) == ("missing", "missing", "missing")
    assert Checkup.from_bytes(checkup.to_bytes(), "it") == checkup


def test_everything_that_does_not_work_says_what_it_is_for_and_what_mends_it(tmp_path: Path) -> None:
    checkup = check_machine(make_doors(tmp_path, Programs({}), Web(ToolError("no route"))))

    assert not checkup.works
    assert checkup.lacking == ("engine", "wheels", "archives")
    for row in checkup.rows:
        assert row.needed_for
        assert row.state == "ok" or row.remedy or row.name == "pip's index", row


def test_nothing_is_written(tmp_path: Path) -> None:
    doors = make_doors(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    check_machine(doors)

    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("part", CORE)
def test_the_core_path_needs_one_of_each_part(part: str) -> None:
    def row(core: Any, state: Any) -> Row:
        return Row(name=core, state=state, found="", needed_for="", core=core)

    rows = [row(core, "ok") for core in CORE if core != part]
    assert conclude(rows).lacking == (part,)
    assert conclude([*rows, row(part, "missing")]).lacking == (part,)
    assert conclude([*rows, row(part, "broken"), row(part, "untidy")]).works


def test_a_probe_that_hangs_is_not_waited_for_and_hides_no_other(tmp_path: Path) -> None:
    gate = threading.Event()

    def hang(_: Doors) -> list[Row]:
        gate.wait(60)
        return []

    hanging = Probe("slow", "nothing", hang)
    begun = time.monotonic()
    rows = ask_all([hanging, PYTHON], make_doors(tmp_path), patience=0.2)
    gate.set()

    assert time.monotonic() - begun < 20
    assert [(row.name, row.state) for row in rows] == [("slow", "broken"), ("Python", "ok")]
    assert rows[0].found == "no answer within 0.2 s"


def test_a_mistake_in_a_probe_is_not_hidden(tmp_path: Path) -> None:
    def mistaken(_: Doors) -> list[Row]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_all([Probe("it", "nothing", mistaken)], make_doors(tmp_path))


@pytest.mark.parametrize(
    ("switch", "value", "remedy"),
    [
        ("kernel/unprivileged_userns_clone", "0", "sudo sysctl --write kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "sudo sysctl --write user.max_user_namespaces=15000"),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "sudo sysctl --write kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ("kernel/other", "1", "run it as root, or on a machine (a container's host) whose kernel allows namespaces"),
    ],
)
def test_forbidden_namespaces_are_allowed_by_the_switch_that_forbids_them(
    tmp_path: Path, switch: str, value: str, remedy: str
) -> None:
    programs = Programs({"bwrap": Finished(1, "", "bwrap: No permissions to create new namespace\n")})
    doors = make_doors(tmp_path, programs)
    path = doors.root / "proc/sys" / switch
    path.parent.mkdir(parents=True)
    path.write_text(f"{value}\n")

    assert told(SANDBOXED, doors) == [("broken", "bwrap: No permissions to create new namespace", remedy)]


def test_a_machine_without_bubblewrap_is_told_how_to_install_it(tmp_path: Path) -> None:
    found = told(SANDBOXED, make_doors(tmp_path, Programs({})))

    assert found == [("missing", "bwrap is not installed", "sudo apt-get install --yes bubblewrap")]
    assert told(SANDBOXED, make_doors(tmp_path, platform="darwin"))[0][0] == "missing"


def test_memory_locale_git_and_emulator(tmp_path: Path) -> None:
    doors = make_doors(tmp_path, encoding="ANSI_X3.4-1968")
    assert told(MEMORY, doors) == [("ok", "4.1 GB available", "")]
    assert told(LOCALE, doors) == [("broken", "ANSI_X3.4-1968 is not UTF-8", "export LC_ALL=C.UTF-8")]
    assert told(GIT, make_doors(tmp_path, Programs({})))[0][0] == "missing"
    assert told(EMULATOR, make_doors(tmp_path, Programs({"qemu-x86_64-static": ""})))[0][0] == "ok"
    doors = make_doors(tmp_path)
    (doors.root / "proc/meminfo").write_text("MemAvailable: 4000 kB\n")
    assert told(MEMORY, doors)[0][:2] == ("broken", "0.0 GB available")
    (doors.root / "proc/meminfo").write_text("")
    assert told(MEMORY, doors)[0][0] == "broken"
    (doors.root / "proc/meminfo").unlink()
    assert told(MEMORY, doors)[0][1].endswith("meminfo: No such file or directory")


def test_gpus_are_told_as_the_driver_tells_them(tmp_path: Path) -> None:
    nvidia = Nvidia("550.54", "12.4", (Gpu(name="NVIDIA H100"),))

    assert told(GPU, make_doors(tmp_path, ask_driver=lambda: nvidia)) == [
        ("ok", "NVIDIA H100, driver 550.54, CUDA up to 12.4", "")
    ]
    broken = Nvidia(problem="NVML: starting: Driver/library version mismatch")
    assert told(GPU, make_doors(tmp_path, ask_driver=lambda: broken))[0][:2] == ("broken", broken.problem)


def test_gpus_for_containers_need_a_description(tmp_path: Path) -> None:
    doors = make_doors(tmp_path, Programs({"nvidia-ctk": ""}))
    assert told(CDI, doors)[0][2] == "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
    (doors.root / "etc/cdi").mkdir(parents=True)
    (doors.root / "etc/cdi/nvidia.yaml").write_text("kind: nvidia.com/gpu\ndevices: []\n")
    assert told(CDI, doors)[0][0] == "ok"
    (doors.root / "etc/cdi/nvidia.yaml").write_text("kind: nvidia.com/gpu\ndevices: 3\n")
    assert told(CDI, doors)[0][0] == "broken"


def test_the_store_is_looked_at_and_its_left_overs_are_told(tmp_path: Path) -> None:
    doors = make_doors(tmp_path)
    assert told(STORE, doors)[0][0] == "ok"
    store = doors.settings.store
    (store / "tmp" / "partial").mkdir(parents=True)
    (store / "locks").mkdir()
    assert [row[0] for row in told(STORE, doors)] == ["ok"]
    (store / "tmp" / "0123").mkdir()
    (store / "locks" / "blob-1").touch()
    with claimed_file(store / "locks" / "blob-1"):
        rows = told(STORE, doors)

    assert [row[0] for row in rows] == ["ok", "untidy"]
    assert " GB free, 1 locks held by commands at work in /" in rows[0][1]
    assert rows[1][2] == f"rm -r {store}/tmp  # when no reprobuild command runs"


def test_a_store_that_cannot_be_is_broken(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    rows = ask_all([STORE], make_doors(tmp_path, settings=Settings(tmp_path / "file" / "store")))

    assert [(row.state, row.core) for row in rows] == [("broken", "store")]


@contextmanager
def claimed_file(path: Path) -> Iterator[None]:
    import fcntl

    with path.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def test_left_overs_of_killed_runs_are_told_and_runs_at_work_are_not(tmp_path: Path) -> None:
    assert told(PROJECT, make_doors(tmp_path)) == []
    runs = write_run(tmp_path, "0001", make_record()).parent
    left, at_work = runs / ".0123456789abcdef", runs / ".fedcba9876543210"
    left.mkdir()
    at_work.mkdir()
    (runs / ".other").mkdir()
    with claimed(at_work):
        assert is_claimed(at_work)
        assert left_overs(runs) == [left]
        rows = told(PROJECT, make_doors(tmp_path))

    assert rows == [("untidy", "1 of runs that were killed before they could be recorded", f"rm -r {left}")]
    assert left_overs(runs) == [left, at_work]


def test_the_ledger_is_told_of(tmp_path: Path) -> None:
    write_run(tmp_path, "0001", make_record())
    make_ledger(tmp_path / LEDGER, {})
    assert told(PROJECT, make_doors(tmp_path)) == [("ok", f"{LEDGER}: 0 runs known", "")]
    (tmp_path / LEDGER).write_bytes(b"spoilt" * 1000)
    assert told(PROJECT, make_doors(tmp_path))[0][0] == "untidy"


def test_pips_first_index_is_asked_and_no_password_is_shown(tmp_path: Path) -> None:
    web = Web()
    assert told(PIP, make_doors(tmp_path, web=web)) == [("ok", "http://index.test/simple answers, and 1 more", "")]
    assert web.asked == ["http://u:p@index.test/simple/pip/"]
    assert told(PIP, make_doors(tmp_path, web=Web(MissingError("404"))))[0][0] == "ok"
    assert told(PIP, make_doors(tmp_path, web=Web(ToolError("no route"))))[0][:2] == ("broken", "no route")
    failed = Programs({"pip config": Finished(1, "", "Traceback\nConfigurationError: bad\n")})
    assert told(PIP, make_doors(tmp_path, failed))[0][:2] == (
        "broken",
        "pip's configuration cannot be read: ConfigurationError: bad",
    )


def test_without_an_index_the_folders_of_wheels_must_be_there(tmp_path: Path) -> None:
    config = "global.no-index='true'\n"
    assert told(PIP, make_doors(tmp_path, Programs({"pip config": config})))[0][0] == "broken"
    config += f"global.find-links='{tmp_path}'\n"
    assert told(PIP, make_doors(tmp_path, Programs({"pip config": config})))[0][0] == "ok"
    config += f"install.find-links='{tmp_path}/gone'\n"
    assert told(PIP, make_doors(tmp_path, Programs({"pip config": config})))[0][0] == "broken"


def test_an_index_in_a_folder_is_looked_at(tmp_path: Path) -> None:
    programs = Programs({"pip config": f"global.index-url='{tmp_path.as_uri()}/simple'\n"})
    assert told(PIP, make_doors(tmp_path, programs))[0][0] == "broken"
    (tmp_path / "simple").mkdir()
    assert told(PIP, make_doors(tmp_path, programs))[0][0] == "ok"


def test_apt_is_asked_once_for_all_suites_and_its_first_mirror_must_answer(tmp_path: Path) -> None:
    programs = Programs(ANSWERS)
    rows = told(ARCHIVES, make_doors(tmp_path, programs))
    assert [row[:2] for row in rows] == [
        ("ok", "http://mirror.test/debian answers; all 3 suites have a mirror"),
        ("missing", "trixie: no mirror is known: apt on this machine has no such suite"),
    ]
    assert rows[1][2].startswith("set REPROBUILD_DEBIAN_TRIXIE to a mirror's root")
    assert len([line for line in programs.asked if line.startswith("apt-get")]) == 2
    assert told(ARCHIVES, make_doors(tmp_path, web=Web(ToolError("no route"))))[0][:2] == ("broken", "no route")


def test_conda_needs_no_conda(tmp_path: Path) -> None:
    assert told(CONDA, make_doors(tmp_path))[0][1].endswith(
        "; py-rattler solves: no conda is installed, and none is needed"
    )
    assert told(CONDA, make_doors(tmp_path, Programs({"mamba": ""})))[0][1].endswith("; mamba solves")


@pytest.mark.parametrize(("probe", "name"), [(DOCKER, "docker"), (PODMAN, "podman")])
def test_an_engine_that_is_absent_silent_or_speaks_nonsense_is_one_row(tmp_path: Path, probe: Probe, name: str) -> None:
    assert told(probe, make_doors(tmp_path))[0] == (
        "missing",
        "not installed",
        f"sudo apt-get install --yes {'docker.io' if name == 'docker' else 'podman'}",
    )
    assert told(probe, make_doors(tmp_path, Programs({name: ""})))[0][0] == "missing"
    path = tmp_path / f"{name}.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        refused = told(probe, make_doors(tmp_path))
        server.listen()
        silent = told(probe, make_doors(tmp_path))
    path.unlink()

    assert [row[0] for row in (*refused, *silent)] == ["broken", "broken"]
    assert refused[0][1] == f"{name}: {path}: Connection refused"
    assert silent[0][1] == f"{name}: no answer in time"


def test_a_remote_engine_is_told(tmp_path: Path) -> None:
    rows = told(DOCKER, make_doors(tmp_path, environment={"DOCKER_HOST": "tcp://elsewhere.test:2375"}))

    assert rows[0][:2] == ("broken", "docker: tcp://…: not a socket of this machine")


def test_a_checkup_for_people_names_what_is_wrong_and_shows_no_escape(tmp_path: Path) -> None:
    rows = [
        Row(name="it", state="ok", found="well", needed_for="all"),
        Row(name="other", state="broken", found="bad\x1b[2J", needed_for="most", remedy="mend", core="engine"),
    ]

    assert render_checkup(conclude(rows)).splitlines() == [
        "✓ it     well",
        "✗ other  bad\\x1b[2J",
        "         broken; for most",
        "         → mend",
        "",
        "lock, image, run and replay cannot all work here; wanting: Python, engine, store, wheels, archives",
    ]


def test_every_part_of_the_core_has_a_probe() -> None:
    assert {probe.core for probe in PROBES} - {""} == set(CORE)
