"""Where Debian suites are, as apt is configured on this machine (apt-get(8), `indextargets`)."""

from collections.abc import Sequence

from reprobuild.ground.errors import ToolError
from reprobuild.tools.process import Runner
from reprobuild.tools.settings import Settings

FORMAT = "$(RELEASE)|$(COMPONENT)|$(REPO_URI)"
SCHEMES = ("http://", "https://", "file:/")


def find_mirrors(suite: str, component: str, settings: Settings, runner: Runner) -> Sequence[str]:
    """The roots of mirrors of a suite, without a slash at the end: apt's, else the user's; ToolError when none."""
    found = [*settings.mirrors(suite), *_apt_mirrors(suite, component, runner)]
    if found:
        return list(dict.fromkeys(mirror.rstrip("/") for mirror in found))
    variable = "REPROBUILD_DEBIAN_" + suite.upper().replace("-", "_")
    raise ToolError(
        f"{suite}: no mirror is known: apt on this machine has no such suite",
        hint=f"set {variable} to a mirror's root, or [debian] {suite} in {settings.origin}",
    )


def _apt_mirrors(suite: str, component: str, runner: Runner) -> list[str]:
    try:
        listed = runner(["apt-get", "indextargets", "--format", FORMAT])
    except ToolError:  # no apt on this machine: then only the user's configuration can say
        return []
    rows = (line.split("|") for line in listed.stdout.splitlines())
    return [
        row[2]
        for row in rows
        if len(row) == 3 and row[0] == suite and row[1] == component and row[2].startswith(SCHEMES)
    ]
