from pathlib import Path

import pytest

from reprobuild.tools.conda import conda_environment, explain_conda
from reprobuild.tools.pip import PipSources

TREE = """\
Cannot solve the request because of: new * cannot be installed because there are no viable options:
└─ new 1.0 would require
   ├─ two >=9, which cannot be installed because there are no viable options:
   │  └─ two 1.5, for which no candidates were found.
   └─ __glibc >=2.50, for which no candidates were found.
"""


def test_a_tree_of_reasons_becomes_one_line() -> None:
    assert explain_conda(TREE) == (
        "new * cannot be installed because there are no viable options: new 1.0 would require two >=9, which cannot be "
        "installed because there are no viable options: two 1.5, for which no candidates were found. __glibc >=2.50, "
        "for which no candidates were found."
    )


def test_a_cause_that_is_told_twice_is_shown_once() -> None:
    said = "invalid name 'a[': 'a[' is not valid\nCaused by: 'a[' is not valid\nCaused by: refused"

    assert explain_conda(said) == "invalid name 'a[': 'a[' is not valid: refused"


@pytest.mark.parametrize("text", ["", "x" * 5000, "a\n\n  b\tc", "é\u2028"])
def test_any_text_becomes_a_short_line(text: str) -> None:
    assert len(explain_conda(text)) <= 400
    assert "\n" not in explain_conda(text)


def test_conda_lock_gets_pips_certificates_and_nothing_that_describes_this_host() -> None:
    sources = PipSources((), (), certificates="/etc/ca.pem", proxy="http://proxy.example:3128")
    host = {"HOME": "/home/me", "CONDA_OVERRIDE_GLIBC": "2.99", "CONDA_LOCK_X": "y", "CONDARC": "/etc/condarc"}
    given = conda_environment(host, Path("/tmp/x"), sources)

    assert {name: given[name] for name in ("HOME", "CONDARC", "SSL_CERT_FILE", "HTTPS_PROXY", "TMPDIR")} == {
        "HOME": "/home/me",
        "CONDARC": "/etc/condarc",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "HTTPS_PROXY": "http://proxy.example:3128",
        "TMPDIR": "/tmp/x",
    }
    assert not {"CONDA_OVERRIDE_GLIBC", "CONDA_LOCK_X"} & given.keys()
    assert "SSL_CERT_FILE" not in conda_environment({}, Path("/tmp/x"), PipSources((), ()))
