"""What a maintainer script would do beyond what an image has anyway (Debian Policy, chapter 6); nothing is executed."""

import re
from collections.abc import Collection, Iterator

_BLOCK = re.compile(r"^# Automatically added by (\S+?)(?:/\S+)?$(.*?)^# End automatically added section$", re.M | re.S)
_ALTERNATIVE = re.compile(r"update-alternatives\b.*?--install\s+(\S+)")
KNOWN_BLOCKS = {
    "dh_makeshlibs": "the linker's cache is made for the whole image",
    "dh_python3": "bytecode is compiled on the machine that runs",
    "dh_installdeb": "dpkg-maintscript-helper moves files of older versions; there are none",
    "dh_installmenu": "no menu",
    "dh_installdebconf": "no questions are asked",
    "dh_installsystemd": "no service is started",
    "dh_installsystemduser": "no service is started",
    "dh_installinit": "no service is started",
    "dh_systemd_enable": "no service is started",
    "dh_systemd_start": "no service is started",
    "dh_icons": "icon caches are for desktops",
    "dh_installtmpfiles": "temporary folders are made by the engine",
    "dh_ucf": "configuration is as packaged",
    "dh_installxmlcatalogs": "no XML catalogue is registered",
    "dh_sgmlcatalogs": "no SGML catalogue is registered",
    "dh_installinfo": "no info directory",
    "dh_fixperms": "modes are as packaged",
    "dh_linktree": "links are as packaged",
}
_IDLE = re.compile(
    r"""^(?:
        \#.* | set\s+-[eux]+ | exit(?:\s+0)? | :;? | ;; | esac | fi | else | then | do | done | [{}] | \*\)\s*(?:;;)?
      | case\s.*\bin | (?:if|elif|while|for)\b.* | [a-z|"'*-]+\)\s*(?:;;|exit\s+0\s*;?;?)? | return(?:\s+\d)?
      | \.\s+/usr/share/debconf/confmodule | db_\w+.* | echo\b.* | exit\s+1 | true | [A-Za-z_]\w*\(\)\s*\{?
      | [A-Za-z_]\w*=\S* | local\s.* | shift | ldconfig | (?:dpkg-trigger|py3clean|py3compile)\b.*
      | abort-upgrade.*\)\s*(?:;;)? | configure.*\)
    )$""",
    re.X,
)


def find_doings(script: str, links: Collection[str]) -> Iterator[str]:
    """The lines that would do something an image lacks, each as one line; none for a script that is covered.

    Generated blocks of debhelper are known by their kind; `update-alternatives` is covered when the link is made.
    """

    def known(block: re.Match[str]) -> str:
        return "" if block[1] in KNOWN_BLOCKS else block[2]

    text = re.sub(r"\\\n\s*", " ", _BLOCK.sub(known, script))
    for line in text.splitlines():
        words = " ".join(line.split())
        alternative = _ALTERNATIVE.search(words)
        if alternative and alternative[1] in links:
            continue
        if (
            words
            and not _IDLE.match(words)
            and not (words.startswith("--slave") or ("--slave" in words and not alternative))
        ):
            yield words
