"""Networks of the user's own: the class that a study names, and how its parameters are given their values.

No base class, no import of ours: what a parameter is for is told by its name.
"""

import hashlib
import importlib
import importlib.util
import inspect
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from torch import nn

from tuner.errors import UserError, listed, nearest
from tuner.spec.sections import ModelSection
from tuner.spec.space import Value

WHERE = "[model] class"
# The searched parameter, or the width of the data, that a parameter of a network's constructor stands for.
MEANINGS: Mapping[str, tuple[str, ...]] = {
    "hidden_size": ("hidden_size", "hidden_dim", "n_hidden"),
    "num_layers": ("num_layers", "n_layers"),
    "dropout": ("dropout", "p"),
    "inputs": ("input_size", "n_features", "input_dim"),
    "outputs": ("output_size", "num_classes", "output_dim"),
}


@dataclass(frozen=True)
class OwnNetwork:
    """A class, or a function, that makes networks.

    Attributes:
        make: it.
        name: for messages.
        source: SHA-256 of the file that defines it.
        takes: the names of its parameters by what they stand for.
        needs: its parameters without a default.
    """

    make: Callable[..., nn.Module]
    name: str
    source: str
    takes: Mapping[str, tuple[str, ...]]
    needs: tuple[str, ...]

    def arguments(
        self, args: Mapping[str, Any], inputs: int, outputs: int, params: Mapping[str, Value]
    ) -> dict[str, Any]:
        """What it is called with, by the names of its parameters; as `build`."""
        values = {"inputs": inputs, "outputs": outputs, **params}
        return {name: values[meaning] for meaning, names in self.takes.items() for name in names} | dict(args)

    def build(self, args: Mapping[str, Any], inputs: int, outputs: int, params: Mapping[str, Value]) -> nn.Module:
        """Makes a network.

        Args:
            args: constants, by the names of its parameters; they come before all else.
            inputs, outputs: columns of the data and of its answers.
            params: searched values, by our names.

        Raises:
            UserError: a parameter is unknown, or has no value, or it raises.
        """
        given = self.arguments(args, inputs, outputs, params)
        if missing := [name for name in self.needs if name not in given]:
            hint = f"give it as a constant: `{missing[0]} = …` in [model.args]"
            raise UserError(f"{self.name} needs {listed(missing)}, which nobody gives it", where=WHERE, hint=hint)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "dropout option adds dropout")  # of a single layer, every time
                network = self.make(**given)
        except Exception as error:
            raise refused(self.name, error) from None
        if not isinstance(network, nn.Module):
            what = f"{self.name} makes a {type(network).__name__}, not a network"
            raise UserError(what, where=WHERE, hint="name a class of nn.Module, or a function that returns one")
        return network


def refused(name: str, error: Exception) -> UserError:
    """What an error in the user's own code amounts to: one line of it, and where it happened."""
    trace, line = error.__traceback__, ""
    while trace is not None:
        line = f"{Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    said = " ".join(str(error).split())[:300]
    return UserError(f"{name} raised {type(error).__name__}: {said}", where=WHERE, hint=f"it happened in {line}")


def own_network(model: ModelSection) -> OwnNetwork:
    """The network that a study names, which is the one that it began with, be it imported or given.

    Raises:
        UserError: as `load_own`.
    """
    assert model.own is not None  # noqa: S101 (asked for where there is one)
    if model.given is None:
        return load_own(model.own, model.sha256)
    name, source = model.own.rpartition(":")[2], source_hash(model.given)
    # of one that can be imported a study has noted the hash of its file
    file = [_file_hash(sys.modules[model.given.__module__])] if can_import(model.given) else []
    if model.sha256 not in (None, source, *file):
        raise _changed(name)
    return describe_own(model.given, name, source)


def source_hash(make: Any) -> str:  # noqa: ANN401 (whatever the user gives)
    """SHA-256 over the code of a class, with what it inherits outside torch, or of a function."""
    kinds = [kind for kind in getattr(make, "__mro__", ()) if not kind.__module__.startswith(("torch.", "builtins"))]
    parts = [part for kind in kinds for part in vars(kind).values() if inspect.isfunction(part)] if kinds else [make]
    codes = [part.__code__ for part in parts if hasattr(part, "__code__")]
    said = [(code.co_name, code.co_code.hex(), _constants(code), code.co_names, code.co_varnames) for code in codes]
    return hashlib.sha256(repr((said, sys.version_info[:2])).encode()).hexdigest()


def _constants(code: CodeType) -> list[str]:
    """Constants as text that says nothing of where they lie in memory."""
    inner = [one for one in code.co_consts if isinstance(one, CodeType)]
    plain = [
        repr(sorted(one, key=repr) if isinstance(one, frozenset) else one)
        for one in code.co_consts
        if not isinstance(one, CodeType)
    ]
    return [*plain, *(f"{one.co_code.hex()}{_constants(one)}" for one in inner)]


def name_given(given: Any, where: str) -> str:  # noqa: ANN401 (whatever the user gives)
    """The name of a function, class or object, and a hash of its source.

    Raises:
        UserError: it cannot be called, or has no name.
    """
    name = getattr(given, "__name__", type(given).__name__)
    if not callable(given) or (where == "model" and isinstance(given, nn.Module)):
        hint = {"model": "give the class, not a network", "loss": "give a loss of torch's, such as nn.L1Loss()"}
        raise UserError(f"`{where}` is {given!r:.80}", where=where, hint=hint.get(where, "give a name or a function"))
    if name == "<lambda>":
        raise UserError("a lambda has no name to be told by", where=where, hint="define it with `def`")
    code = given if hasattr(given, "__name__") else type(given)
    settings = "" if hasattr(given, "__name__") else repr(given)
    return f"{name}@{hashlib.sha256((source_hash(code) + settings).encode()).hexdigest()[:12]}"


def can_import(model: Callable[..., nn.Module]) -> bool:
    """True where other processes, and later ones, find the class by its name."""
    if (
        model.__module__ == "__main__"
        or "." in model.__qualname__
        or getattr(sys.modules[model.__module__], "__file__", None) is None
    ):
        return False
    return getattr(importlib.import_module(model.__module__), model.__qualname__, None) is model


def load_own(reference: str, source: str | None = None) -> OwnNetwork:
    """The network that `file.py:Class` or `package.module:Class` names.

    Args:
        reference: of it.
        source: what its hash must be; None for any.

    Raises:
        UserError: there is no such file, module or class, it cannot be imported, or it is another one.
    """
    place, _, name = reference.rpartition(":")
    if not place or not name.isidentifier():
        raise UserError(f"`{reference}` names no class", where=WHERE, hint='write "file.py:Class"')
    if place == "__main__":
        hint = f"pass it as `model={name}` to `tuner.tune` or `tuner.load`, or define it in a file of its own"
        raise UserError(f"{name} was given from Python, and no file defines it", where=WHERE, hint=hint)
    module = _import(place)
    if not hasattr(module, name):
        public = [each for each, value in vars(module).items() if callable(value) and not each.startswith("_")]
        raise UserError(f"`{place}` has no `{name}`", where=WHERE, hint=nearest(name, public) if public else "")
    digest = _file_hash(module)
    if source not in (None, digest):
        raise _changed(name)
    return describe_own(getattr(module, name), name, digest)


def check_stranger(reference: str, folder: Path) -> None:
    """Sees to it that what a folder from elsewhere names brings no code along, and runs none but a network's.

    A function could be any, called with any arguments, and a file could lie in the folder.

    Raises:
        UserError: it is neither a class of nn.Module from a package nor from a file elsewhere.
    """
    place, _, name = reference.rpartition(":")
    hint = f"if you know it, pass it: `tuner.load(DIR, model={name})`"
    if any(not path.is_absolute() or path.resolve().is_relative_to(folder.resolve()) for path in _places(place)):
        raise UserError(f"`{place}` may have come with the bundle", where=WHERE, hint=hint)
    make = load_own(reference).make
    if not (isinstance(make, type) and issubclass(make, nn.Module)):
        raise UserError(f"`{name}` is no class of nn.Module", where=WHERE, hint=hint)


def _places(place: str) -> list[Path]:
    """Where a file or module lies, as far as can be told without running any of it."""
    if place.endswith(".py"):
        return [Path(place)]
    top, *inner = place.split(".")
    try:
        found = importlib.util.find_spec(top)  # of a module inside a package it would run the package
    except (ImportError, ValueError):
        return []
    roots = [] if found is None else found.submodule_search_locations or [str(found.origin)] * found.has_location
    return [Path(root, *inner).absolute() for root in roots]


def _file_hash(module: ModuleType) -> str:
    return hashlib.sha256(Path(str(module.__file__)).read_bytes()).hexdigest()


def _changed(name: str) -> UserError:
    what = f"the source of {name} has changed since the study began"
    return UserError(what, where=WHERE, hint="put it back, or search anew under another `[study] name`")


def describe_own(make: Any, name: str, source: str) -> OwnNetwork:  # noqa: ANN401 (whatever the user names)
    """A class or function as a network of one's own.

    Raises:
        UserError: it cannot be called, or says nothing of its parameters.
    """
    try:
        parameters = [each for each in inspect.signature(make).parameters.values() if each.kind not in (2, 4)]
    except (TypeError, ValueError):
        hint = "name a class of nn.Module, or a function that returns one"
        raise UserError(f"`{name}` is no class or function", where=WHERE, hint=hint) from None
    names = [each.name for each in parameters]
    takes = {meaning: tuple(name for name in names if name in known) for meaning, known in MEANINGS.items()}
    takes["dropout"] = tuple(name for name in names if name in MEANINGS["dropout"] or name.startswith("drop"))
    needs = tuple(each.name for each in parameters if each.default is inspect.Parameter.empty)
    return OwnNetwork(make, name, source, takes, needs)


def _import(place: str) -> ModuleType:
    try:
        if not place.endswith(".py"):
            return importlib.import_module(place)
        path = Path(place)
        if not path.is_file():
            raise UserError("there is no such file", where=f"{WHERE}: {place}", hint="paths start from the study file")
        name = f"tuner_own_{hashlib.sha256(f'{path}{path.stat().st_mtime_ns}'.encode()).hexdigest()[:16]}"
        if name not in sys.modules:
            if str(path.parent) not in sys.path:
                sys.path.append(str(path.parent))  # what lies beside it can be imported
            found = importlib.util.spec_from_file_location(name, path)
            assert found is not None and found.loader is not None  # noqa: S101 (a .py file)
            sys.modules[name] = importlib.util.module_from_spec(found)
            try:
                found.loader.exec_module(sys.modules[name])
            except BaseException:
                del sys.modules[name]
                raise
        return sys.modules[name]
    except UserError:
        raise
    except ModuleNotFoundError as error:
        hint = "install it"
        raise UserError(f"`{place}` needs a module that is not there: {error}", where=WHERE, hint=hint) from None
    except Exception as error:
        raise refused(place, error) from None
