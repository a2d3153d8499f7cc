import pytest

from reprobuild.image.scripts import find_doings


@pytest.mark.parametrize(
    "script",
    [
        "",
        "#!/bin/sh\nset -e\nexit 0\n",
        "#!/bin/sh\n# Automatically added by dh_makeshlibs/13.11\nldconfig\n# End automatically added section\n",
        '#!/bin/sh\ncase "$1" in\n  configure)\n  ;;\nesac\n',
        "#!/bin/sh\nupdate-alternatives --install /usr/bin/awk awk /usr/bin/mawk 5 \\\n  --slave /a b /c\n",
    ],
)
def test_a_script_that_does_nothing_more_is_not_told(script: str) -> None:
    assert list(find_doings(script, ["/usr/bin/awk"])) == []


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("#!/bin/sh\nadduser --system tool\n", "adduser --system tool"),
        ("#!/bin/sh\nupdate-alternatives --install /usr/bin/vi vi /usr/bin/vim 5\n", "update-alternatives"),
        ("#!/bin/sh\n# Automatically added by dh_unheard\nfoo\n# End automatically added section\n", "foo"),
        ("#!/usr/bin/perl\nsystem('x');\n", "system('x');"),
        ("#!/bin/sh\nif true; then\n  ln -s a b\nfi\n", "ln -s a b"),
    ],
)
def test_a_script_that_would_do_more_is_told_by_its_first_such_line(script: str, told: str) -> None:
    assert next(find_doings(script, ["/usr/bin/awk"])).startswith(told)
