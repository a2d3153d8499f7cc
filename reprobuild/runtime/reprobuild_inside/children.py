"""Programs that a process starts: a Python among them is told who it is, or noted when it will not be seeded."""

import os
import shlex
import sys
import threading
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence

from reprobuild_inside import notes
from reprobuild_inside.found import problem
from reprobuild_inside.interpreters import python_words, reason, starts_others
from reprobuild_inside.lineage import HERE, VARIABLE
from reprobuild_inside.wrapping import wrap

WORDS = 8
"""Words of a command line that are kept."""
OURS = "REPROBUILD_SEED"
LIBRARY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_LOCK = threading.RLock()


def watch_children() -> None:
    """Watch every way by which Python starts programs; what a compiled extension starts is not seen."""
    import _posixsubprocess

    os.register_at_fork(after_in_child=_new_lock)
    wrap("fork_exec", _fork_exec, _posixsubprocess)
    # A file with the ending .pth may have imported it before; it has a name of its own for the function.
    if hasattr(sys.modules.get("subprocess"), "_fork_exec"):
        setattr(sys.modules["subprocess"], "_fork_exec", _posixsubprocess.fork_exec)  # noqa: B010
    for name in ("posix_spawn", "posix_spawnp"):
        wrap(name, _posix_spawn, os)
    wrap("system", _system, os)
    wrap("execv", _execv, os)
    wrap("execve", _execve, os)


def _new_lock() -> None:
    global _LOCK  # another thread may have held it, and it is not here any more
    _LOCK = threading.RLock()


def _text(value: Any) -> str:
    return os.fsdecode(value)


def _prepare(argv: Sequence[Any], environment: Mapping[str, str]) -> Optional[str]:
    """Note a Python that will not be seeded; the lineage for one that may be, None when it is not told."""
    try:
        words = _noted(argv, environment)
        if OURS not in environment:
            return None
        kind = "python" if python_words(words, environment) else os.path.basename(words[0]) if words else ""
        return HERE.lineage.child(kind, environment).text(environment)
    except Exception as error:  # whatever was asked for: Python itself says what is wrong with it
        problem("a child", error)
        return None


def _noted(argv: Sequence[Any], environment: Mapping[str, str]) -> List[str]:
    """The words of a command line, after what they start was noted."""
    words = [_text(word) for word in argv]
    why = reason(words, environment, LIBRARY)
    if why:
        _note(words, why)
    _note_program(words, environment)
    return words


def _note(words: List[str], why: str) -> None:
    shown = [word if len(word) <= notes.LONGEST else word[: notes.LONGEST - 1] + "…" for word in words[:WORDS]]
    if len(words) > WORDS:
        shown.append("…")
    notes.note("not_seeded", (tuple(words[:3]), why), argv=shown, why=why)


def _note_program(words: List[str], environment: Mapping[str, str]) -> None:
    """Keep the name of a program that is no Python: where a CPU is emulated, it is not."""
    name = os.path.basename(words[0])[: notes.LONGEST] if words else ""
    if name and (starts_others(name) or python_words(words, environment) is None):
        notes.note("programs", (name,), program=name)


def _inherited(argv: Sequence[Any], start: Callable[[], Any]) -> Any:
    """Start a program that inherits this process's environment, which says for that moment who the program is."""
    with _LOCK:
        told = _prepare(argv, os.environ)
        if told is None:
            return start()
        before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = told
        try:
            return start()
        finally:
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before


def _fork_exec(original: Any) -> Callable[..., Any]:
    """What `subprocess`, `multiprocessing` and joblib start processes with: (argv, files, …, environment, …)."""

    def fork_exec(argv: Any, *rest: Any) -> Any:
        given: Optional[Iterable[bytes]] = rest[4] if len(rest) > 4 else None
        if given is None:
            return _inherited(argv, lambda: original(argv, *rest))
        pairs = [tuple(item.partition(b"=")[::2]) for item in given]
        told = _prepare(argv, {_text(name): _text(value) for name, value in pairs})
        if told is None:
            return original(argv, *rest)
        name = os.fsencode(VARIABLE)
        kept = [b"%s=%s" % pair for pair in pairs if pair[0] != name]
        return original(argv, *rest[:4], [*kept, b"%s=%s" % (name, os.fsencode(told))], *rest[5:])

    return fork_exec


def _posix_spawn(original: Any) -> Callable[..., Any]:
    def posix_spawn(path: Any, argv: Any, env: Any, **options: Any) -> Any:
        if env is None:  # to inherit it, from Python 3.13
            return _inherited(argv, lambda: original(path, argv, env, **options))
        told = _prepare(argv, _readable(env))
        return original(path, argv, env if told is None else _with(env, told), **options)

    return posix_spawn


def _with(env: Mapping[Any, Any], told: str) -> Dict[Any, Any]:
    kept = {name: value for name, value in env.items() if _text(name) != VARIABLE}
    return {**kept, VARIABLE: told}


def _readable(env: Any) -> Dict[str, str]:
    return {_text(name): _text(value) for name, value in env.items()} if hasattr(env, "items") else {}


def _system(original: Any) -> Callable[..., Any]:
    def system(command: Any) -> Any:
        told = _prepare(("sh", "-c", command), os.environ)
        # By the shell: it may run for long, while other threads start programs too.
        return original(command if told is None else "export %s; %s" % (_assignment(told), _text(command)))

    return system


def _assignment(told: str) -> str:
    return "%s=%s" % (VARIABLE, shlex.quote(told))


def _execv(original: Any) -> Callable[..., Any]:
    """It is the same process afterwards, with the same lineage."""

    def execv(path: Any, argv: Any, /) -> Any:
        _note_exec(argv, os.environ)
        return original(path, argv)

    return execv


def _execve(original: Any) -> Callable[..., Any]:
    def execve(path: Any, argv: Any, env: Any) -> Any:
        _note_exec(argv, _readable(env))
        return original(path, argv, env)

    return execve


def _note_exec(argv: Any, environment: Mapping[str, str]) -> None:
    try:
        _noted(argv, environment)
    except Exception as error:
        problem("a child", error)
