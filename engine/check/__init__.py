"""The conformance suite: does a plugin keep its contract?

    stimmung plugins --check                    everything installed
    pytest                                      in a plugin's own tests::

        import pytest

        @pytest.mark.stimmung("acme-pitch")
        def test_acme_pitch_keeps_its_contract(conformance):
            conformance()

A plugin is built with the options of its optional class attribute ``example``. ``{recording}`` in one
stands for a WAV file that has a transcript beside it, ``{folder}`` for an empty folder; a source's
``example`` holds what a user would type as ``spec``. Every failure is one line that says what to change.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ConfigError, InputError, StimmungError
from ..registry import Role, installed, provides
from . import calls, extractors, streams
from .subject import Check, NoExampleError, Subject

BUILT = "it can be built"


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one check of one plugin: ``error`` and ``skipped`` are empty where it passed."""

    plugin: str
    role: Role
    check: str
    error: str = ""
    skipped: str = ""


def checks(role: Role, kind: type[Any]) -> tuple[Check, ...]:
    """The checks for a class that plays ``role``."""
    if role == "extractor":
        if hasattr(kind, "describe"):
            return extractors.FRAMES
        return extractors.TEXTS if hasattr(kind, "encode") else extractors.SEGMENTS
    return {
        "classifier": calls.CLASSIFIERS,
        "detector": streams.DETECTORS,
        "transcriber": streams.TRANSCRIBERS,
        "source": streams.SOURCES,
        "sink": streams.SINKS,
    }[role]


def examine(name: str, options: Mapping[str, Any] | None = None, *, timed: bool = True) -> Iterator[Finding]:
    """Every check of everything that the installed plugin called ``name`` announces.

    ``options`` replace those of its ``example``; without ``timed`` the latency budget is left out.
    Raises a StimmungError when there is no such plugin or it cannot be loaded.
    """
    found = installed()
    if name not in found:
        raise ConfigError(f"no plugin is called '{name}'", remedy="install it; see stimmung plugins")
    for role, kind in provides(found[name]).items():
        yield from examine_class(name, role, kind, options, timed=timed)


def examine_class(
    name: str, role: Role, kind: type[Any], options: Mapping[str, Any] | None = None, *, timed: bool = True
) -> Iterator[Finding]:
    """Every check of a class that plays ``role``, installed or not."""
    with tempfile.TemporaryDirectory(prefix="stimmung-check-") as folder:
        yield from _examine(Subject(name, role, kind, Path(folder), options), timed)


def _examine(subject: Subject, timed: bool) -> Iterator[Finding]:
    chosen = checks(subject.role, subject.kind)
    try:
        subject.prepare()
    except NoExampleError as reason:
        yield Finding(subject.name, subject.role, BUILT, skipped=str(reason))
        return
    except (ConfigError, InputError) as error:
        # What it needs, a model, a device, a licence, is not here: that is no fault of the plugin's.
        yield Finding(subject.name, subject.role, BUILT, skipped=str(error))
        return
    except StimmungError as error:
        yield Finding(subject.name, subject.role, BUILT, error=str(error))
        return
    yield Finding(subject.name, subject.role, BUILT)
    for check in chosen:
        if check.timed and not timed:
            continue
        yield Finding(subject.name, subject.role, check.name, error=_failure(subject, check))


def _failure(subject: Subject, check: Check) -> str:
    try:
        check.run(subject)
    except StimmungError as error:
        return str(error)
    return ""


__all__ = ["Check", "Finding", "checks", "examine", "examine_class"]
