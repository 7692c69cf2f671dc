"""What every check shares: the plugin under examination, and how a failure is put into words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..calls.spec import PluginSpec, spec_of
from ..errors import PluginError, StimmungError
from ..registry import Role, check_options
from ..types import Floats, Segment, Span
from . import material

# Sums in another order differ in the last bits of a float32; a plugin that differs more keeps something.
RELATIVE, ABSOLUTE = 1e-4, 1e-5


class NoExampleError(Exception):
    """There is nothing to build the plugin with: it declares no example."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of a contract, as a sentence, and the function that raises PluginError if it is broken."""

    name: str
    run: Callable[[Subject], None]
    timed: bool = False


@dataclass
class Subject:
    """One class of one plugin; ``folder`` is for what its example wants to read or write."""

    name: str
    role: Role
    kind: type[Any]
    folder: Path
    given: Mapping[str, Any] | None = None
    _facts: PluginSpec | None = field(default=None, init=False)

    def prepare(self) -> None:
        """Writes the recording; builds what can be built once for all checks, and reads its facts."""
        material.write_recording(self.folder)
        if self.role == "source" and "spec" not in self.example:
            raise NoExampleError('a source is opened only as its class says: example = {"spec": "…"}')
        if self.role in ("extractor", "classifier"):
            self._facts = spec_of(self.name, self.plugin)
        elif self.role != "sink" and self.role != "source":
            self.build()

    @cached_property
    def example(self) -> dict[str, Any]:
        """The options to build with, placeholders filled in."""
        options = dict(self.given if self.given is not None else getattr(self.kind, "example", {}))
        places = {
            "{recording}": str(self.folder / material.RECORDING),
            "{folder}": str(self.folder),
        }
        for key, value in options.items():
            for place, path in places.items():
                if isinstance(value, str):
                    value = value.replace(place, path)
            options[key] = value
        return options

    @cached_property
    def plugin(self) -> Any:
        """The one built plugin most checks use."""
        return self.build()

    @property
    def facts(self) -> PluginSpec:
        """What an extractor or a classifier declares."""
        if self._facts is None:
            raise TypeError(f"a {self.role} declares no facts")
        return self._facts

    def build(self) -> Any:
        """A fresh instance, built as the engine builds it."""
        options = dict(self.example)
        arguments: list[Any] = []
        if self.role == "source":
            arguments = [options.pop("spec")]
        elif self.role == "transcriber":
            arguments = [self.folder / material.RECORDING]
        checked = check_options(self.kind, self.name, options, skip=len(arguments))
        with self.blamed("__init__"):
            return self.kind(*arguments, **checked)

    def call(self, method: str, argument: Any, plugin: Any = None) -> Any:
        """What a method of the plugin returns; whatever it raises becomes a PluginError that names it."""
        with self.blamed(method):
            return getattr(plugin if plugin is not None else self.plugin, method)(argument)

    @contextmanager
    def blamed(self, method: str) -> Iterator[None]:
        """Turns whatever the plugin raises into a PluginError that names ``method``."""
        try:
            yield
        except StimmungError:
            raise
        except Exception as error:  # a plugin may raise anything
            raise self.fault(
                f"{method} failed", got=f"{type(error).__name__}: {error}", remedy=_hint(error)
            ) from error

    def fault(self, what: str, *, got: str = "", expected: str = "", remedy: str) -> PluginError:
        """The error that names this plugin, what is wrong with it and what to change."""
        return PluginError(f"plugin '{self.name}': {what}", got=got, expected=expected, remedy=remedy)

    def segment(self, samples: Floats, stream: str = "check", index: int = 0) -> Segment:
        """One segment at the plugin's rate; its samples cannot be written."""
        return Segment(stream, index, Span(0, len(samples), self.facts.rate), samples)

    def same(self, one: Floats, other: Floats, what: str, remedy: str) -> None:
        """Raises when two results differ by more than the order of a sum can make them differ."""
        if one.shape != other.shape:
            raise self.fault(what, got=f"shapes {one.shape} and {other.shape}", remedy=remedy)
        if not np.allclose(one, other, rtol=RELATIVE, atol=ABSOLUTE):
            worst = float(np.abs(one - other).max())
            raise self.fault(what, got=f"a difference of {worst:.3g}", remedy=remedy)

    def shaped(self, values: Any, shape: tuple[int, ...], method: str, given: str) -> Floats:
        """``values`` if they are finite float32 numbers of that shape."""
        if not isinstance(values, np.ndarray):
            raise self.fault(
                f"{method} returned no array for {given}",
                got=type(values).__name__,
                remedy="return np.array(…, np.float32)",
            )
        if values.shape != shape:
            raise self.fault(
                f"{method} returned a wrong shape for {given}",
                got=str(values.shape),
                expected=str(shape),
                remedy="correct what the class declares, or what the method returns",
            )
        if values.dtype != np.float32:
            raise self.fault(
                f"{method} returned a wrong type of number for {given}",
                got=str(values.dtype),
                expected="float32",
                remedy="end with .astype(np.float32)",
            )
        if not np.isfinite(values).all():
            raise self.fault(
                f"{method} returned NaN or infinite numbers for {given}",
                expected="finite numbers for any finite input",
                remedy="guard divisions and logarithms, for example np.log(x + 1e-10)",
            )
        return values


@contextmanager
def no_pickle(subject: Subject) -> Iterator[None]:
    """Refuses pickle for a while."""

    def refuse(*arguments: Any, **keywords: Any) -> Any:
        raise subject.fault(
            "it reads or writes pickle",
            remedy="keep weights in safetensors or plain arrays: a pickle can run any program",
        )

    names = ("dump", "dumps", "load", "loads", "Pickler", "Unpickler")
    # By name, as the tree's own test looks for every import of it.
    pickle = import_module("pickle")
    kept = {name: getattr(pickle, name) for name in names}
    try:
        for name in names:
            setattr(pickle, name, refuse)
        yield
    finally:
        for name, function in kept.items():
            setattr(pickle, name, function)


def _hint(error: Exception) -> str:
    if isinstance(error, ValueError) and "read-only" in str(error):
        return "its input belongs to the engine: work on a copy, for example np.array(samples)"
    return "it must take whatever the contract allows"
