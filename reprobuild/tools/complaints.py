"""What pip-tools and uv say when they find no answer, as one line.

Their formats are no interface: where none is recognised, their last line is shown.
"""

import re

MAX_LINE = 400
_CONFLICT = re.compile(r"The conflict is caused by:\n((?:[ \t]+\S.*\n)+)")
_CAUSE = re.compile(
    r"RequirementInformation\(requirement=\w+\('([^']*)'\), parent=(?:None|\w+\('(?:[^' ]*/)?([^'/ ]+))"
)
_NONE_FITS = re.compile(r"Could not find a version that satisfies the requirement [^\n]*")
_UV_REASON = re.compile(r"(Because .*?)(?=\n\s*\n|\n\s*hint:|\Z)", re.DOTALL)
_UV_HINT = re.compile(r"\n\s*hint: .*", re.DOTALL)
_OTHER_BYTES = (
    re.compile(r"from (\S+)[^\n]*\n\s+Expected sha256 (\w+)\n\s+Got\s+(\w+)"),
    re.compile(r"Hash mismatch for [^`]*`([^`]+)`\s+Expected:\s+sha256:(\w+)\s+Computed:\s+sha256:(\w+)"),
)
# uv breaks long lines at the width of a terminal, even where there is none; what it carries over is indented.
_UV_CAUSES = re.compile(r"error: [^\n]*(?:\n[ \t]+\S[^\n]*)*")
_RAISED = re.compile(r"^(?:\w+\.)+\w+: (.*)$", re.MULTILINE)
_NAMED = re.compile(
    r"satisfies the requirement ([A-Za-z0-9][\w.-]*)"
    r"|Because (?:there is no version of )?([\w.-]+?)(?:==\S+)? (?:was not found|has no|and you require)"
)


def explain(stderr: str) -> str:
    """The one line of a resolver's complaint that says what is wrong."""
    return re.sub(r"\s+", " ", _reason(stderr)).strip()[:MAX_LINE]


def named_project(line: str) -> str:
    """The project that has nothing fitting, where the line says so; else empty."""
    found = _NAMED.search(line)
    return (found[1] or found[2]) if found else ""


def _reason(text: str) -> str:
    if found := _CONFLICT.search(text):
        return "these do not go together: " + "; ".join(line.strip() for line in found[1].splitlines())
    for pattern in _OTHER_BYTES:
        if found := pattern.search(text):
            return f"{found[1]} sends other bytes: its sha256 is {found[3][:12]}, the index says {found[2][:12]}"
    for pattern in (_NONE_FITS, _UV_REASON):
        if found := pattern.search(text):
            return found[0]
    if causes := _CAUSE.findall(text):
        needs = (f"{parent or 'the project'} needs {need}" for need, parent in dict.fromkeys(causes))
        return "these do not go together: " + "; ".join(needs)
    if raised := _RAISED.findall(text):
        return str(raised[-1])
    if found := _UV_CAUSES.search(_UV_HINT.sub("", text)):
        return re.sub(r"\n[ \t]+cause: ", ": ", found[0]).removeprefix("error: ")
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "the resolver failed without a word"
