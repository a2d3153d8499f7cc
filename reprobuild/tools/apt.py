"""Where Debian suites are, as apt is configured on this machine (apt-get(8), `indextargets`)."""

from collections.abc import Iterator, Sequence

from reprobuild.ground.errors import ToolError
from reprobuild.tools.process import Runner
from reprobuild.tools.settings import Settings

FORMAT = "$(REPO_URI)|$(COMPONENT)|$(RELEASE)|$(CODENAME)|$(SUITE)"
SCHEMES = ("http://", "https://", "file:/")


def find_mirrors(suite: str, component: str, settings: Settings, runner: Runner) -> Sequence[str]:
    """The roots of mirrors of a suite, without a slash at the end, the user's own first; ToolError when none is known.

    They may hold credentials: they are for use, never to be shown or stored.
    """
    found = [*settings.mirrors(suite), *_apt_mirrors(suite, component, runner)]
    if found:
        return list(dict.fromkeys(mirror.rstrip("/") for mirror in found))
    variable = "REPROBUILD_DEBIAN_" + suite.upper().replace("-", "_")
    raise ToolError(
        f"{suite}: no mirror is known: apt on this machine has no such suite",
        hint=f"set {variable} to a mirror's root, or [debian] {suite} in {settings.origin}",
    )


def _apt_mirrors(suite: str, component: str, runner: Runner) -> Iterator[str]:
    # Without its lists (a fresh container) apt names only what it would fetch; with them also codename and suite.
    for options in (["--no-release-info"], []):
        try:
            listed = runner(["apt-get", "indextargets", *options, "--format", FORMAT])
        except ToolError:  # no apt on this machine: then only the user's configuration can say
            return
        for line in listed.stdout.splitlines():
            uri, *names = line.split("|")
            if uri.startswith(SCHEMES) and names[:1] == [component] and suite in names[1:]:
                yield uri
