"""A pipeline description, checked before anything is built.

Descriptions are TOML. Unknown keys fail with the nearest known one; types and ranges are checked
here, so that what the other modules receive can be run. Options of a plugin stand beside its name
and are checked against the plugin's own keyword arguments by the host.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from ..errors import ConfigError, nearest
from .toml import Count, NotNegative, Options, Positive, Share, Table, decode, read_toml

# Of a plugin's table; all others are its options.
OWN_KEYS = ("plugin", "name", "python", "command", "remote", "transport", "spare")
Normalise = Literal["none", "stream", "offset"]
CLASSIFIER_KEYS = (*OWN_KEYS, "normalise", "remember", "wait_s")
# Of [segments]: what one kind alone is cut by.
WINDOW_KEYS, TURN_KEYS = ("window_s",), ("longest_s", "pause_s", "pad_s")
TURN_SHORTEST_S = 0.25
ACTIVITY = 'add [activity] plugin = "webrtc", or take kind = "windows"'


class StreamTable(Table, frozen=True, kw_only=True):
    """``rate`` (Hz): every source is resampled to it. ``dc``: whether a constant part is kept."""

    rate: Count = 16000
    dc: Literal["remove", "keep"] = "remove"


class BusTable(Table, frozen=True, kw_only=True):
    """How plugins are reached.

    ``transport``: in the host's own thread (local), in a thread each (inproc), or in processes (ipc).
    ``workers``: how many threads or processes serve each plugin. ``queue``: jobs that may wait for a
    plugin; when it is full a stream waits (``block``) or gives up its oldest job (``drop-oldest``).
    ``deadline_s``: a job that takes longer is given up, and its process started again. ``memory_mb``: so is
    a process that holds more, 0 for no limit. ``listen``: where workers of other machines connect, with the
    ``keys`` of that folder.
    """

    transport: Literal["local", "inproc", "ipc"] = "local"
    workers: Count = 1
    queue: Count = 64
    policy: Literal["block", "drop-oldest"] = "block"
    deadline_s: Positive = 30.0
    memory_mb: Annotated[int, msgspec.Meta(ge=0)] = 0
    listen: str = ""
    keys: str = ""


class PluginTable(Table, frozen=True, kw_only=True):
    """A plugin by name, what to call it here, and its options.

    ``python`` is the interpreter of a virtual environment of the plugin's own, ``command`` any program that
    speaks the wire format, with its arguments. Either runs in processes, whatever the bus of the others.
    A ``remote`` plugin is served by workers that connect from elsewhere. With ``transport`` "ipc" it runs in
    processes of its own, whatever the bus of the others. With ``spare`` one more process has loaded it and
    takes over at once where another dies; a detector or a transcriber has one beside each.
    """

    plugin: str
    name: str
    options: Options = msgspec.field(default_factory=dict)
    python: str = ""
    command: list[str] = msgspec.field(default_factory=list)
    remote: bool = False
    transport: Literal["", "ipc"] = ""
    spare: bool = False

    @property
    def foreign(self) -> bool:
        """True when another interpreter or program than this one serves the plugin."""
        return bool(self.python or self.command)

    @property
    def apart(self) -> bool:
        """True when another process than this one serves the plugin, whatever the bus of the others."""
        return self.foreign or self.remote or self.transport == "ipc"


class ClassifierTable(PluginTable, frozen=True, kw_only=True):
    """A classifier, and what the host does about the speaker before it sees features.

    ``normalise = "stream"`` does so by the mean and deviation of each stream so far, see
    :mod:`.speaker.normaliser`; "offset" leaves features as they are and infers the speaker's offset beside
    them, see :mod:`.speaker.offset`. ``remember``: where a stream's speaker is named, the offset is kept for
    their next stream, see :mod:`.storage.speakers`. ``wait_s``: how long windows wait for their words where
    it reads both, see :mod:`.text_join`.
    """

    normalise: Normalise = "none"
    remember: bool = False
    wait_s: NotNegative = 2.0

    @property
    def served(self) -> PluginTable:
        """What those who build and call the plugin are told of it: normalising is the host's."""
        return PluginTable(**{key: getattr(self, key) for key in PluginTable.__struct_fields__})


class ActivityTable(Table, frozen=True, kw_only=True):
    """Segments in which less than ``min_speech`` (share of time) is speech count as silent."""

    detector: PluginTable
    min_speech: Share = 0.1


class SegmentsTable(Table, frozen=True, kw_only=True):
    """``windows`` of ``window_s`` every ``hop_s``, from ``shortest_s`` on; or each stretch as a ``whole``.

    Or ``turns`` of speech, from ``shortest_s`` on (0.25 where a file says nothing): ``pause_s`` of silence
    end one, ``pad_s`` are added on both sides, and while it runs its last ``longest_s`` are answered every
    ``hop_s``, see :mod:`stimmung.engine.audio.turns`.
    """

    kind: Literal["windows", "whole", "turns"] = "windows"
    window_s: Positive = 5.0
    hop_s: Positive = 1.0
    shortest_s: Positive = 1.0
    longest_s: Positive = 10.0
    pause_s: Positive = 0.5
    pad_s: NotNegative = 0.1


class VoteTable(Table, frozen=True, kw_only=True):
    """Majority over the last ``span_s``; a new label must lead by ``margin`` votes.

    Below the confidence ``unsure_below`` a state says that it is unsure; also where most of its voters lie
    further than ``unsure_beyond`` from what the classifier was trained on, in units of the classifier's own
    limit, so that 1.0 is that limit. None: no distance makes a state unsure.
    """

    span_s: Positive = 10.0
    margin: Count = 1
    unsure_below: Share = 0.0
    unsure_beyond: Positive | None = None


class PipelineConfig(Table, frozen=True, kw_only=True):
    """Everything a pipeline is made of."""

    stream: StreamTable = StreamTable()
    bus: BusTable = BusTable()
    segments: SegmentsTable = SegmentsTable()
    vote: VoteTable = VoteTable()
    extractors: Annotated[list[PluginTable], msgspec.Meta(min_length=1)]
    classifiers: list[ClassifierTable] = msgspec.field(default_factory=list)
    activity: ActivityTable | None = None
    transcript: PluginTable | None = None

    @property
    def listeners(self) -> list[tuple[Literal["detector", "transcriber"], PluginTable]]:
        """The plugins of which every stream has an instance of its own, each with its role."""
        found: list[tuple[Literal["detector", "transcriber"], PluginTable]] = []
        if self.activity is not None:
            found.append(("detector", self.activity.detector))
        if self.transcript is not None:
            found.append(("transcriber", self.transcript))
        return found


def load_description(name_or_path: str, **bus: Any) -> PipelineConfig:
    """The pipeline shipped under that name or described by that TOML file, with those keys of its ``bus``."""
    path, shipped = Path(name_or_path), shipped_pipelines()
    if path.suffix != ".toml" and not path.exists():
        if name_or_path not in shipped:
            raise ConfigError(
                f"no pipeline is named '{name_or_path}'",
                remedy=f"{nearest(name_or_path, shipped)} or give the path of a .toml file",
            )
        path = shipped[name_or_path]
    tables = read_toml(path)
    if bus and isinstance(tables.setdefault("bus", {}), dict):
        tables["bus"].update(bus)
    return describe(tables, name_or_path)


def shipped_pipelines() -> dict[str, Path]:
    """The pipelines that come with the package, by name."""
    folder = Path(str(resources.files("stimmung.configs"))) / "pipelines"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def describe(data: Mapping[str, Any], where: str) -> PipelineConfig:
    """A pipeline description from plain tables, checked as a whole."""
    tables = dict(data)
    for kind, own_keys in (("extractors", OWN_KEYS), ("classifiers", CLASSIFIER_KEYS)):
        entries = tables.get(kind, [])
        if not isinstance(entries, list):
            raise ConfigError(f"{where}: {kind} must be an array of tables", remedy=f"write [[{kind}]]")
        tables[kind] = [_plugin(entry, f"{where}: [[{kind}]]", own_keys) for entry in entries]
    names = [entry["name"] for kind in ("extractors", "classifiers") for entry in tables[kind]]
    if isinstance(tables.get("activity"), Mapping):
        activity = dict(tables["activity"])
        own = {key: activity.pop(key) for key in ("min_speech",) if key in activity}
        tables["activity"] = {"detector": _plugin(activity, f"{where}: [activity]"), **own}
    if isinstance(tables.get("segments"), Mapping):
        tables["segments"] = _segments(tables["segments"], where)
    if isinstance(tables.get("transcript"), Mapping):
        tables["transcript"] = _plugin(tables["transcript"], f"{where}: [transcript]")
    description = decode(tables, PipelineConfig, where)
    _check_ranges(description, where)
    far = [table.name for table in (*description.extractors, *description.classifiers) if table.remote]
    if far and not description.bus.listen:
        raise ConfigError(
            f"{where}: plugin '{far[0]}' is remote, but no worker can connect",
            remedy='set [bus] listen = "tcp://127.0.0.1:5560"',
        )
    for table in (*description.extractors, *description.classifiers):
        _check_spare(table, f"{where}: plugin '{table.name}'", description.bus.transport)
    for judge in description.classifiers:
        _check_remember(judge, where)
    if description.activity is not None:
        _own(description.activity.detector, f"{where}: [activity]")
    if description.transcript is not None:
        _own(description.transcript, f"{where}: [transcript]")
    _refuse_twins([*names, *(table.name for _, table in description.listeners if table.apart)], where)
    return description


def with_transcript(description: PipelineConfig, entry: Mapping[str, Any], where: str) -> PipelineConfig:
    """The same pipeline with another ``[transcript]``, as its table would stand in a file."""
    table = decode(_plugin(entry, f"{where}: [transcript]"), PluginTable, where)
    _own(table, f"{where}: [transcript]")
    return msgspec.structs.replace(description, transcript=table)


def _plugin(entry: Any, where: str, own_keys: Sequence[str] = OWN_KEYS) -> dict[str, Any]:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("plugin"), str):
        raise ConfigError(
            f"{where} names no plugin", expected='plugin = "NAME"', remedy="see stimmung plugins"
        )
    own = {key: entry[key] for key in own_keys if key in entry}
    ways = [key for key in ("python", "command", "remote") if key in own]
    if len(ways) > 1:
        raise ConfigError(f"{where} has both {' and '.join(ways)}", remedy="keep the one that serves it")
    options = {key: value for key, value in entry.items() if key not in own_keys}
    return {"name": entry["plugin"], **own, "options": options}


def _segments(entry: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The table with what its kind has instead of the defaults; no key of another kind may stand there."""
    turns = entry.get("kind") == "turns"
    unused = [key for key in (WINDOW_KEYS if turns else TURN_KEYS) if key in entry]
    if unused:
        raise ConfigError(
            f'{where}: segments.{unused[0]} says nothing of kind = "{entry.get("kind", "windows")}"',
            remedy='set longest_s instead, or kind = "windows"'
            if turns
            else 'add kind = "turns", or remove it',
        )
    return {"shortest_s": TURN_SHORTEST_S, **entry} if turns else dict(entry)


def _own(table: PluginTable, where: str) -> None:
    if table.command or table.remote:
        raise ConfigError(
            f"{where} cannot be served by any program or from elsewhere: it holds a stream's state",
            remedy='remove command and remote there; transport = "ipc" gives it a process',
        )
    _check_spare(table, where)


def _check_spare(table: PluginTable, where: str, transport: str = "") -> None:
    if not table.spare:
        return
    if table.remote:
        raise ConfigError(f"{where} has a spare but no process", remedy="start another worker there instead")
    if not table.apart and transport != "ipc":
        raise ConfigError(f"{where} has a spare but no process", remedy='add transport = "ipc"')


def _check_remember(table: ClassifierTable, where: str) -> None:
    if table.remember and table.normalise != "offset":
        raise ConfigError(
            f"{where}: classifier '{table.name}' has nothing of a speaker to remember",
            got=f'remember = true with normalise = "{table.normalise}"',
            expected='normalise = "offset"',
            remedy="set that, or remove remember",
        )


def _refuse_twins(names: list[str], where: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"{where}: two entries are called '{name}'", remedy="give one a name of its own"
            )


def _check_ranges(description: PipelineConfig, where: str) -> None:
    segments, vote = description.segments, description.vote
    if segments.kind == "turns":
        _check_turns(description, where)
    if segments.kind != "windows":
        return
    if segments.hop_s > segments.window_s:
        raise ConfigError(
            f"{where}: segments.hop_s leaves audio between the windows unheard",
            got=f"{segments.hop_s:g} s",
            expected=f"at most window_s, {segments.window_s:g} s",
            remedy="shorten hop_s",
        )
    first_s = segments.hop_s * math.ceil(round(segments.shortest_s / segments.hop_s, 9))
    if first_s > segments.window_s:
        raise ConfigError(
            f"{where}: the first window ends after {first_s:g} s and misses the beginning",
            got=f"shortest_s = {segments.shortest_s:g}",
            expected=f"a first end, a multiple of hop_s, within window_s, {segments.window_s:g} s",
            remedy="shorten shortest_s",
        )
    if vote.span_s < segments.window_s:
        raise ConfigError(
            f"{where}: vote.span_s holds no whole window",
            got=f"{vote.span_s:g} s",
            expected=f"at least window_s, {segments.window_s:g} s",
            remedy="lengthen span_s",
        )


def _check_turns(description: PipelineConfig, where: str) -> None:
    segments, vote = description.segments, description.vote
    if description.activity is None:
        raise ConfigError(
            f"{where}: turns are cut by voice activity, but nothing detects it", remedy=ACTIVITY
        )
    hops = segments.longest_s / segments.hop_s
    if hops < 1 or abs(hops - round(hops)) > 1e-9:
        raise ConfigError(
            f"{where}: segments.longest_s is no multiple of hop_s",
            got=f"{segments.longest_s:g} s",
            expected=f"a multiple of {segments.hop_s:g} s",
            remedy="change one of them",
        )
    if segments.shortest_s > segments.longest_s:
        raise ConfigError(
            f"{where}: segments.shortest_s leaves no turn",
            got=f"{segments.shortest_s:g} s",
            expected=f"at most longest_s, {segments.longest_s:g} s",
            remedy="shorten shortest_s",
        )
    most_s = min(segments.pause_s, segments.hop_s)
    if segments.pad_s > most_s:
        raise ConfigError(
            f"{where}: segments.pad_s reaches beyond what is known when a turn ends",
            got=f"{segments.pad_s:g} s",
            expected=f"at most pause_s and hop_s, {most_s:g} s",
            remedy="shorten pad_s",
        )
    if vote.span_s < segments.longest_s:
        raise ConfigError(
            f"{where}: vote.span_s holds no whole turn",
            got=f"{vote.span_s:g} s",
            expected=f"at least longest_s, {segments.longest_s:g} s",
            remedy="lengthen span_s",
        )
