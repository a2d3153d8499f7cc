"""Texts and numbers that tell when, where or how fast a run was, and nothing of its result: found by their form.

Forms: ISO 8601, RFC 2822 (section 3.3), ctime(3), seconds since 1970, `tempfile` of Python, RFC 9562 for UUIDs.
A value counts only where everything around it is the same, and bare numbers only where their name says what they are.
"""

import re
from collections.abc import Iterator

TIMES, DURATIONS, PATHS = "time stamps", "durations", "temporary paths"
PROCESSES, IDENTIFIERS = "process IDs", "random identifiers"
_DAY, _MONTH = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)", "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = r"\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
_NUMBER = r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_TOOK = "[Ee]lapsed|[Dd]uration|[Tt]ook|[Ss]econds|[Rr]untime|[Ww]all(?:[ _]?time)?|[Tt]ime|ETA"
_UNIT = r"(?:ns|us|µs|μs|ms|s|secs?|seconds?|minutes?|hours?|it/s|s/it|[a-z]+/s(?:ec)?)"
_HEX = "[0-9a-f]"
_FORMS = {
    IDENTIFIERS: (
        rf"\b{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}\b",
        rf"(?<!{_HEX}){_HEX}{{12}}4{_HEX}{{3}}[89ab]{_HEX}{{15}}(?!{_HEX})",
    ),
    TIMES: (
        rf"\b{_DAY}, \d{{1,2}} {_MONTH} \d{{4}} {_CLOCK} (?:[-+]\d{{4}}|GMT|UTC|Z)",
        rf"\b{_DAY} {_MONTH} +\d{{1,2}} {_CLOCK}(?: [A-Z]{{3,4}})? \d{{4}}\b",
        rf"\b(?:19|20)\d{{2}}-[01]\d-[0-3]\d(?:[T _-]{_CLOCK}(?: ?(?:Z|UTC|[-+]\d{{2}}:?\d{{2}}))?)?(?![\d-])",
        r"(?<!\d)(?:19|20)\d{2}[-_]?[01]\d[-_]?[0-3]\d[-_T]?[0-2]\d[-_:]?[0-5]\d(?:[-_:]?[0-5]\d)?Z?(?!\d)",
        rf"\b(?:19|20)\d{{2}}/[01]\d/[0-3]\d(?: {_CLOCK})?\b",
        r"\b[0-2]?\d:[0-5]\d:[0-5]\d(?:[.,]\d{1,9})?\b",
        r"(?<![\d.])1\d{9}\.\d{1,9}(?!\d)",
    ),
    PATHS: (r"(?:/tmp|/var/tmp|/dev/shm|/run/user/\d+)/[^\s/'\"<>:,;)\]}]+", r"\btmp[a-z0-9_]{8}\b"),
    PROCESSES: (r"\b(?:[Pp]id|PID|[Pp]rocess(?: [Ii][Dd])?)\b\W{0,3}\d+\b",),
    DURATIONS: (
        rf"(?<![\w.]){_NUMBER} ?{_UNIT}(?![\w/])",
        rf"\b(?:{_TOOK})\b[^\w\n]{{1,4}}{_NUMBER}(?![\w.])",
    ),
}
_ANY = re.compile("|".join(f"(?P<k{n}>{'|'.join(forms)})" for n, forms in enumerate(_FORMS.values())))
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_FAST = frozenset(
    (
        *("duration", "durations", "elapsed", "eta", "latency", "millis", "milliseconds", "minutes", "ms", "runtime"),
        *("sec", "second", "seconds", "secs", "throughput", "time", "times", "took", "wall", "walltime"),
    )
)
_WHEN = frozenset(
    (
        *("at", "created", "date", "ended", "finished", "mtime", "now", "start", "started", "stamp", "time"),
        *("timestamp", "ts", "updated", "when"),
    )
)
_EPOCH = (1_000_000_000, 2_500_000_000)
"""2001 to 2049, in seconds."""
_NEAR = 5 * 366 * 86400
"""Seconds that a replay is at most after its record, for a bare number to be a time."""
MAX_TEXT = 1 << 16
MOST_FORMS = 2000


def fleeting(recorded: str, seen: str, name: str = "") -> frozenset[str]:
    """What kinds of such values make up all of the difference between two texts; none where something else differs."""
    one, other = _number(recorded), _number(seen)
    if recorded != seen and one is not None and other is not None:
        return fleeting_number(one, other, name)
    settled, kinds = settle(recorded, seen)
    return kinds if settled == recorded else frozenset()


def settle(recorded: str, seen: str) -> tuple[str, frozenset[str]]:
    """`seen` with the recorded text's values of this kind in place of its own, and the kinds of those that differ."""
    unchanged = seen, frozenset[str]()
    if recorded == seen or max(len(recorded), len(seen)) > MAX_TEXT:
        return unchanged
    parts, others = list(_parts(recorded)), list(_parts(seen))
    if [kind for kind, _ in parts] != [kind for kind, _ in others] or not 1 < len(parts) <= MOST_FORMS:
        return unchanged
    # Columns move by what stands in them: space alone is no difference beside a value that is one.
    kept = [text if kind or text.split() == other.split() else other
            for (kind, text), (_, other) in zip(parts, others, strict=True)]  # fmt: skip
    pairs = zip(parts, others, strict=True)
    kinds = frozenset(kind for (kind, text), (_, other) in pairs if kind and text != other)
    return ("".join(kept), kinds) if kinds else unchanged


def fleeting_number(recorded: float, seen: float, name: str) -> frozenset[str]:
    """As `fleeting`, for two numbers: what they are is known by their name alone."""
    words = {word.lower() for word in _WORDS.findall(name)}
    if words & {"pid", "ppid"}:
        return frozenset({PROCESSES})
    if words & _WHEN and _is_time(recorded, seen):
        return frozenset({TIMES})
    return frozenset({DURATIONS}) if words & _FAST else frozenset()


def _is_time(recorded: float, seen: float) -> bool:
    """True for two counts of seconds, milli-, micro- or nanoseconds since 1970 that lie near each other."""
    for unit in (1, 10**3, 10**6, 10**9):
        # Multiplied, because an integer that is larger than any float cannot be divided.
        if all(_EPOCH[0] * unit <= side < _EPOCH[1] * unit for side in (recorded, seen)):
            return abs(seen - recorded) < _NEAR * unit
    return False


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """The text cut into values of a known form, and what is between them, which has no kind."""
    kinds = list(_FORMS)
    at = 0
    for found in _ANY.finditer(text):
        yield "", text[at : found.start()]
        number = next(number for number in range(len(kinds)) if found[f"k{number}"] is not None)
        yield kinds[number], found[0]
        at = found.end()
    yield "", text[at:]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
