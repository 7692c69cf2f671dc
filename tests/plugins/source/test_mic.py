"""Microphones: found by number or name, overruns counted, unplugging survived; and a real, virtual one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from stimmung.engine.errors import ConfigError, InputError
from stimmung.engine.runtime.host import Host
from stimmung.engine.types import Chunk, EmotionState, Floats
from stimmung.plugins.source import mic
from stimmung.plugins.source.mic import Microphone
from stimmung.samples import SPEECH
from support import RATE, acme, cut, every


class PortAudio:
    """A machine with two microphones that deliver what the test says, when it says."""

    class PortAudioError(Exception):
        pass

    def __init__(self) -> None:
        self.names = ["Headset", "USB Studio Microphone"]
        self.default = SimpleNamespace(device=(1, 3))
        self.streams: list[Any] = []
        self.rescans = 0

    def query_devices(self) -> list[dict[str, Any]]:
        speaker = {"name": "Speaker", "index": 9, "max_input_channels": 0, "default_samplerate": 48000.0}
        microphones = [
            {"name": name, "index": index, "max_input_channels": 1, "default_samplerate": 16000.0}
            for index, name in enumerate(self.names)
        ]
        return [*microphones, speaker]

    def InputStream(self, **options: Any) -> Any:  # noqa: N802
        if not self.names:
            raise self.PortAudioError("device unavailable")
        stream = SimpleNamespace(
            **options, start=lambda: None, abort=lambda **_: None, close=lambda **_: None
        )
        self.streams.append(stream)
        return stream

    def _terminate(self) -> None:
        self.rescans += 1

    def _initialize(self) -> None:
        pass

    def say(self, count: int, *, overflow: bool = False) -> None:
        samples = np.full((count, 1), 0.1, np.float32)
        self.streams[-1].callback(samples, count, None, SimpleNamespace(input_overflow=overflow))


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> PortAudio:
    fake = PortAudio()
    monkeypatch.setattr(mic, "library", lambda: fake)
    monkeypatch.setattr(mic, "SILENCE_S", 0.05)
    monkeypatch.setattr(mic, "AGAIN_S", 0.01)
    monkeypatch.setattr(mic, "OPEN", set())
    return fake


def begun(source: Microphone) -> Iterator[Chunk]:
    (feed,) = source.feeds()
    return iter(feed.chunks)


@pytest.mark.parametrize(("spec", "index"), [("mic", 1), ("mic:0", 0), ("mic:studio", 1)])
def test_a_device_is_chosen_by_number_or_name_or_is_the_default(
    portaudio: PortAudio, spec: str, index: int
) -> None:
    begun(Microphone(spec))
    assert portaudio.streams[0].device == index


def test_rate_and_channels_may_stand_beside_the_device(portaudio: PortAudio) -> None:
    begun(Microphone("mic:headset,rate=8000,channels=2"))
    begun(Microphone("mic:rate=44100"))
    asked = [(stream.device, stream.samplerate, stream.channels) for stream in portaudio.streams]
    assert asked == [(0, 8000, 2), (1, 44100, 1)]
    with pytest.raises(ConfigError, match="unknown option of source 'mic' in 'mic:speed=2', got speed=2"):
        Microphone("mic:speed=2")


def test_a_device_that_is_not_there_is_named_with_the_nearest(portaudio: PortAudio) -> None:
    with pytest.raises(ConfigError, match="no microphone is called 'Headsat'; did you mean 'Headset'"):
        begun(Microphone("mic:Headsat"))
    portaudio.names = []
    with pytest.raises(ConfigError, match="this machine has no microphone; connect one"):
        begun(Microphone())


def test_an_overrun_is_counted_and_leaves_a_gap(portaudio: PortAudio) -> None:
    source = Microphone(chunk_ms=30)
    chunks = begun(source)
    portaudio.say(480)
    portaudio.say(480, overflow=True)
    first, second = islice(chunks, 2)
    assert first.start == 0
    assert second.start is not None
    assert second.start >= 960, "at least a block was lost"
    assert source.overruns == 1


def test_what_nobody_had_time_for_is_counted_and_leaves_a_gap(
    portaudio: PortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mic, "QUEUED_S", 0.06)
    source = Microphone(chunk_ms=30)
    chunks = begun(source)
    for _ in range(5):
        portaudio.say(480)
    assert [chunk.start for chunk in islice(chunks, 2)] == [0, 480]
    portaudio.say(480)
    assert next(chunks).start == 5 * 480
    assert source.overruns == 3


def test_a_microphone_that_was_unplugged_comes_back_on_the_same_clock(portaudio: PortAudio) -> None:
    source = Microphone(chunk_ms=30)
    chunks = begun(source)
    portaudio.say(480)
    assert next(chunks).start == 0
    names, portaudio.names = portaudio.names, []
    initialise, spoken = portaudio._initialize, []

    def plugged_in_again() -> None:
        initialise()
        if portaudio.rescans >= 3:
            portaudio.names = names

    def say_when_open(**options: Any) -> Any:
        stream = PortAudio.InputStream(portaudio, **options)
        stream.start = lambda: spoken.append(portaudio.say(480))
        return stream

    portaudio._initialize = plugged_in_again  # type: ignore[method-assign]
    portaudio.InputStream = say_when_open  # type: ignore[method-assign]
    portaudio.say(480)
    assert next(chunks).start == 480
    back = next(chunks)
    assert portaudio.rescans == 3
    assert len(portaudio.streams) == 2
    assert back.start is not None
    assert back.start >= 960
    source.close()
    assert list(chunks) == []


def test_a_device_that_cannot_be_opened_is_an_input_error(portaudio: PortAudio) -> None:
    def refuse(**_: Any) -> Any:
        raise portaudio.PortAudioError("Invalid sample rate")

    portaudio.InputStream = refuse  # type: ignore[method-assign]
    with pytest.raises(InputError, match="'USB Studio Microphone' cannot be opened, got Invalid sample rate"):
        begun(Microphone(rate=8000))


@pytest.fixture
def sound_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A PulseAudio whose null sink is the default microphone: what is played to it, is heard."""
    if shutil.which("pulseaudio") is None or shutil.which("paplay") is None:
        pytest.skip("PulseAudio, the virtual microphone, is not installed")
    try:
        mic.library()
    except ConfigError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("pulse")
    folder.chmod(0o700)
    (folder / "asound.conf").write_text(
        "</usr/share/alsa/alsa.conf>\n"
        'pcm.!default {\n type pulse\n hint.show on\n hint.description "PulseAudio"\n}\n'
        "ctl.!default { type pulse }\n"
    )
    environment = {
        **os.environ,
        "XDG_RUNTIME_DIR": str(folder),
        "PULSE_SERVER": f"unix:{folder}/pulse.sock",
        "ALSA_CONFIG_PATH": str(folder / "asound.conf"),
        "PULSE_LATENCY_MSEC": "200",
    }
    server = subprocess.Popen(
        [
            "pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "-n",
            "-L", f"module-native-protocol-unix auth-anonymous=1 socket={folder}/pulse.sock",
            "-L", "module-null-sink sink_name=vmic rate=16000 channels=1 format=s16le",
        ],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for command in (["set-default-source", "vmic.monitor"], ["set-default-sink", "vmic"]):
            for _ in range(100):
                if server.poll() is not None:
                    pytest.skip("PulseAudio does not start here")
                if not asked("pactl", *command, environment=environment):
                    break
            else:
                pytest.fail(f"PulseAudio never took {' '.join(command)}")
        yield environment
    finally:
        server.kill()
        server.wait(30)


def asked(*command: str, environment: dict[str, str]) -> int:
    """How the command ended; after 10 s without an answer it is killed, and has failed."""
    try:
        return subprocess.run(command, env=environment, capture_output=True, timeout=10).returncode
    except subprocess.TimeoutExpired:
        return 1


# In a process of its own: PortAudio reads its environment once.
HEAR = """
    import subprocess, sys
    import numpy as np
    from stimmung.plugins.source.mic import Microphone

    source = Microphone("mic", rate=16000)
    (feed,) = source.feeds()
    heard, player = [], None
    for count, chunk in enumerate(feed.chunks):
        heard.append(chunk.samples[:, 0])
        if count == 5:
            player = subprocess.Popen(["paplay", "--device=vmic", "--latency-msec=3000", sys.argv[1]])
        if player is not None and player.poll() is not None:
            player = None
            last = count + 20
        if count > 10 and player is None and count >= last:
            source.close()
    np.concatenate(heard).astype("<f4").tofile(sys.argv[2])
"""


def test_the_states_of_a_virtual_microphone_are_those_of_the_file_it_was_played(
    sound_server: dict[str, str], tmp_path: Path
) -> None:
    speech, _ = soundfile.read(SPEECH, stop=8 * RATE, dtype="float32")
    # A sound server may swallow what it is given while it starts to play.
    played = np.concatenate([np.zeros(RATE, np.float32), speech])
    soundfile.write(tmp_path / "played.wav", played, RATE)
    for _ in range(3):  # the sound server itself loses audio on a machine that is busy
        heard = listened(sound_server, tmp_path)
        began = where(heard, played)
        captured = heard[began : began + len(played)]
        if len(captured) == len(played) and np.abs(captured - played).max() < 2e-4:
            break
    else:
        pytest.fail("the audio did not come through unharmed, three times")
    assert states(captured) == states(played)
    assert states(heard[began:])[:14] == states(played)[:14], "silence behind it changes none before"


def listened(sound_server: dict[str, str], folder: Path) -> Floats:
    """What the microphone hears of played.wav."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(HEAR), str(folder / "played.wav"), str(folder / "heard.f32")],
        env=sound_server, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return np.fromfile(folder / "heard.f32", "<f4")


def where(heard: Floats, played: Floats) -> int:
    """The sample of ``heard`` at which ``played`` begins."""
    size = 1 << (len(heard) + len(played)).bit_length()
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(played, size))
    return int(np.argmax(np.fft.irfft(product, size)[: len(heard)]))


def states(samples: Floats) -> list[tuple[str, int, str | None, dict[str, int]]]:
    with Host(acme()) as host:
        outputs = host.stream("s").play(cut(samples, every(1600)))
        return [
            (state.target, state.span.stop, state.label, dict(state.votes))
            for state in outputs
            if isinstance(state, EmotionState)
        ]
