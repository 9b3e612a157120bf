"""Makes the tuner believe that it runs on Windows, in every Python that has this folder on its PYTHONPATH.

Processes are started anew only, and modules of the tuner find neither the modules nor the functions and signals that
Windows lacks; everybody else still runs on what the system has.
"""

import builtins
import importlib
import multiprocessing
import signal
from types import ModuleType
from typing import Any

MISSING = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
LACKED = {
    "os": {"chown", "fork", "geteuid", "getuid", "killpg", "nice", "sched_getaffinity", "setsid", "statvfs", "uname"},
    "signal": {"SIGALRM", "SIGCONT", "SIGHUP", "SIGKILL", "SIGSTOP", "pthread_kill", "pthread_sigmask", "setitimer"},
    "sys": set(),
    "multiprocessing": set(),
}


def _get_context(method: str | None = None) -> Any:
    if method not in (None, "spawn"):
        raise ValueError(f"cannot find context for {method!r}")
    return multiprocessing.get_context("spawn")


OWN: dict[str, dict[str, Any]] = {
    "multiprocessing": {"get_context": _get_context},
    "signal": {"SIGBREAK": signal.SIGHUP},
    "sys": {"platform": "win32"},
}
multiprocessing.get_all_start_methods = lambda: ["spawn"]
_import = builtins.__import__


class _Seen(ModuleType):
    """A module as it is on Windows."""

    def __getattr__(self, name: str) -> Any:
        if name in LACKED[self.__name__]:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} on Windows")
        own = OWN.get(self.__name__, {})
        return own[name] if name in own else getattr(importlib.import_module(self.__name__), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(importlib.import_module(self.__name__), name, value)


_seen = {name: _Seen(name) for name in LACKED}


def _as_on_windows(name: str, globals: Any = None, *rest: Any, **named: Any) -> Any:  # noqa: A002 (as `__import__` has them)
    importer = (globals or {}).get("__name__") or ""
    if importer.partition(".")[0] != "tuner":
        return _import(name, globals, *rest, **named)
    if name in MISSING:
        raise ImportError(f"there is no {name} on Windows")
    found = _import(name, globals, *rest, **named)
    return _seen.get(name, found)


builtins.__import__ = _as_on_windows
