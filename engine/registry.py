"""Entry points → plugins by name → built instances.

Plugins are found through the entry-point group ``stimmung``, the built-in ones included. Only a
plugin that a pipeline names is imported; loading registers its module with pluggy, checks its hooks
and collects its class.
"""

from __future__ import annotations

import inspect
import os
import sys
import typing
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from typing import Any, Literal

import msgspec
import pluggy

from .errors import ConfigError, PluginError, StimmungError, UnknownPluginError, nearest
from .plugin import API, APIS, ENTRY_POINTS, PROJECT, Hooks

Role = Literal["source", "detector", "transcriber", "extractor", "classifier", "sink"]
ROLES: tuple[Role, ...] = typing.get_args(Role)
_ORIGINS: dict[type[Any], str] = {}


def installed() -> dict[str, metadata.EntryPoint]:
    """Every installed plugin by name, none of them imported."""
    return {name: entries[0] for name, entries in _found().items()}


def refuse_twins(name: str) -> None:
    """ConfigError when two distributions provide the plugin ``name``; all others can still be used."""
    entries = _found().get(name, [])
    if len(entries) > 1:
        raise ConfigError(
            f"two distributions provide a plugin '{name}': {' and '.join(map(origin, entries))}",
            remedy="uninstall one of them",
        )


def _found() -> dict[str, list[metadata.EntryPoint]]:
    return _search(tuple((place, _changed_ns(place)) for place in sys.path))


# Reading what every installed distribution provides takes as long as hearing a short file, and every source
# that is opened asks; what is installed meanwhile changes the folder it is installed in.
@lru_cache(maxsize=1)
def _search(places: tuple[tuple[str, int], ...]) -> dict[str, list[metadata.EntryPoint]]:
    found: dict[str, list[metadata.EntryPoint]] = {}
    for entry in sorted(
        metadata.entry_points(group=ENTRY_POINTS), key=lambda entry: (entry.name, entry.value)
    ):
        others = found.setdefault(entry.name, [])
        # A path that stands twice on sys.path shows its distributions twice.
        if all((entry.value, origin(entry)) != (other.value, origin(other)) for other in others):
            others.append(entry)
    return found


def _changed_ns(place: str) -> int:
    """When a folder of ``sys.path`` was last changed; 0 where there is none."""
    try:
        return os.stat(place or ".").st_mtime_ns
    except OSError:
        return 0


def origin(entry: metadata.EntryPoint) -> str:
    """The distribution an entry point comes from, with its version."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown distribution"


def origin_of(plugin: object) -> str:
    """The distribution a built plugin comes from, with its version, if it was loaded here."""
    return _ORIGINS.get(type(plugin), "an unknown distribution")


def load(role: Role, name: str) -> type[Any]:
    """The class of the plugin called ``name``; errors name the plugin, its distribution and the remedy."""
    entries = installed()
    if name not in entries:
        raise UnknownPluginError(
            f"no {role} plugin is called '{name}'", remedy=f"{nearest(name, entries)} See stimmung plugins"
        )
    provided = provides(entries[name])
    if role not in provided:
        raise ConfigError(
            f"plugin '{name}' cannot serve as {role}",
            got=f"a {', '.join(provided)}",
            remedy="see stimmung plugins",
        )
    return provided[role]


def provides(entry: metadata.EntryPoint) -> dict[Role, type[Any]]:
    """The classes a plugin's module announces, by role."""
    refuse_twins(entry.name)
    try:
        module = entry.load()
    except (Exception, SystemExit) as error:  # a foreign module may raise anything while it is imported
        raise PluginError(
            f"plugin '{entry.name}' of {origin(entry)} cannot be imported",
            got=f"{type(error).__name__}: {error}",
            remedy="install what it needs or upgrade it",
        ) from error
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Hooks)
    manager.register(module, name=entry.name)
    _check_hooks(manager, entry)
    classes: dict[Role, type[Any]] = {}
    for role in ROLES:
        for found in getattr(manager.hook, f"stimmung_{role}")():
            _check_api(found, entry)
            if found not in _ORIGINS:
                _ORIGINS[found] = origin(entry)
            classes[role] = found
    if not classes:
        raise PluginError(
            f"plugin '{entry.name}' of {origin(entry)} announces no class",
            expected=f"a @hookimpl function named stimmung_{' or stimmung_'.join(ROLES)}",
        )
    return classes


def build(role: Role, name: str, options: Mapping[str, Any], *arguments: Any) -> Any:
    """A built plugin; its options are checked against the keyword arguments of its class."""
    kind = load(role, name)
    checked = check_options(kind, name, options, skip=len(arguments))
    try:
        return kind(*arguments, **checked)
    except StimmungError:
        raise
    except Exception as error:  # a plugin may raise anything while it is built
        raise PluginError(
            f"plugin '{name}' of {_ORIGINS[kind]} cannot be built",
            got=f"{type(error).__name__}: {error}",
            remedy="correct its options, or upgrade it",
        ) from error


def check_options(kind: type[Any], name: str, options: Mapping[str, Any], skip: int = 0) -> dict[str, Any]:
    """The options converted to the annotated types; unknown, missing and unfit ones are ConfigErrors."""
    parameters = list(inspect.signature(kind).parameters.values())[skip:]
    hints = typing.get_type_hints(kind.__init__)
    known = {parameter.name: parameter for parameter in parameters}
    for option in options:
        if option not in known:
            raise ConfigError(
                f"plugin '{name}' has no option '{option}'",
                remedy=nearest(option, known) if known else "remove it",
            )
    checked = {}
    for option, parameter in known.items():
        if option not in options:
            if parameter.default is parameter.empty:
                raise ConfigError(f"plugin '{name}' needs the option '{option}'", remedy=f"add {option} = …")
            continue
        try:
            checked[option] = msgspec.convert(options[option], hints.get(option, Any), str_keys=True)
        except msgspec.ValidationError as error:
            raise ConfigError(f"option '{option}' of plugin '{name}' is unfit: {error}") from None
    return checked


def _check_api(kind: type[Any], entry: metadata.EntryPoint) -> None:
    api = getattr(kind, "api", 1)
    if api not in APIS:
        newer = isinstance(api, int) and api > API
        raise PluginError(
            f"plugin '{entry.name}' of {origin(entry)} was written for another contract",
            got=f"api = {api!r}",
            expected=f"api = {' or '.join(map(str, APIS))}",
            remedy="upgrade stimmung" if newer else f"upgrade {entry.dist.name if entry.dist else 'it'}",
        )


def _check_hooks(manager: pluggy.PluginManager, entry: metadata.EntryPoint) -> None:
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        known = [f"stimmung_{role}" for role in ROLES]
        unknown = [
            hook.name
            for plugin in manager.get_plugins()
            for hook in manager.get_hookcallers(plugin) or ()
            if not hook.has_spec()
        ]
        got = unknown[0] if unknown else str(error)
        raise PluginError(
            f"plugin '{entry.name}' of {origin(entry)} implements an unknown hook",
            got=got,
            remedy=nearest(got, known),
        ) from None
