"""Networks of the user's own: the class that a study names, and how its parameters are given their values.

No base class, no import of ours: what a parameter is for is told by its name.
"""

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from tuner.errors import UserError, listed, nearest
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

    def build(self, args: Mapping[str, Any], inputs: int, outputs: int, params: Mapping[str, Value]) -> nn.Module:
        """Makes a network.

        Args:
            args: constants, by the names of its parameters; they come before all else.
            inputs, outputs: columns of the data and of its answers.
            params: searched values, by our names.

        Raises:
            UserError: a parameter is unknown, or has no value, or it raises.
        """
        values = {"inputs": inputs, "outputs": outputs, **params}
        given = {name: values[meaning] for meaning, names in self.takes.items() for name in names} | dict(args)
        if missing := [name for name in self.needs if name not in given]:
            hint = f"give it as a constant: `{missing[0]} = …` in [model.args]"
            raise UserError(f"{self.name} needs {listed(missing)}, which nobody gives it", where=WHERE, hint=hint)
        try:
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
    module = _import(place)
    if not hasattr(module, name):
        public = [each for each, value in vars(module).items() if callable(value) and not each.startswith("_")]
        raise UserError(f"`{place}` has no `{name}`", where=WHERE, hint=nearest(name, public) if public else "")
    digest = hashlib.sha256(Path(str(module.__file__)).read_bytes()).hexdigest()
    if source is not None and source != digest:
        what = f"the source of {name} has changed since the study began"
        raise UserError(what, where=WHERE, hint="put it back, or search anew under another `[study] name`")
    return describe_own(getattr(module, name), name, digest)


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
        raise UserError(
            f"`{place}` needs a module that is not there: {error}", where=WHERE, hint="install it"
        ) from None
    except Exception as error:
        raise refused(place, error) from None
