"""States as subtitles, to be watched over the recording they came from."""

from typing import ClassVar, TextIO

from stimmung.engine.errors import ConfigError
from stimmung.engine.plugin import hookimpl
from stimmung.engine.types import EmotionState, Event, Status


class Subtitles:
    """SubRip: each label from the state that brought it to the state that ends it; one target, one stream."""

    api = 1
    name = "acme-subtitles"
    example: ClassVar = {"path": "{folder}/states.srt"}

    def __init__(self, path: str) -> None:
        try:
            self._file: TextIO = open(path, "w", encoding="utf-8")  # noqa: SIM115
        except OSError as error:
            raise ConfigError(f"sink 'acme-subtitles' cannot write '{path}'", got=str(error)) from None
        self._number = 0
        self._shown: tuple[float, str] | None = None
        self._end_s = 0.0

    def write(self, event: Event) -> None:
        """Takes a state; predictions are passed over."""
        if not isinstance(event, EmotionState):
            return
        text = "" if event.status is Status.NO_SPEECH else event.label or ""
        if self._shown is None or self._shown[1] != text:
            self._flush(self._end_s)
            self._shown = (self._end_s, text)
        self._end_s = event.span.stop_s

    def close(self) -> None:
        """Ends the last subtitle."""
        self._flush(self._end_s)
        self._file.close()

    def _flush(self, stop_s: float) -> None:
        if self._shown is not None and self._shown[1] and stop_s > self._shown[0]:
            self._number += 1
            times = f"{_clock(self._shown[0])} --> {_clock(stop_s)}"
            self._file.write(f"{self._number}\n{times}\n{self._shown[1]}\n\n")


def _clock(seconds: float) -> str:
    minutes, milliseconds = divmod(round(1000 * seconds), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02},{milliseconds % 1000:03}"


@hookimpl
def stimmung_sink() -> type[Subtitles]:
    return Subtitles
