"""A worker whose extractor does nothing: what ``stimmung bench stall`` stops and lets go on.

Any extractor that ships would take computing time while it works, so stopping it would speed up its siblings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..calls.spec import spec_of
from ..types import Floats, Segment
from ..workers.process import Assignment, main
from ..workers.stateless import Handler, StatelessHandler


class IdleControl:
    """One zero a segment."""

    name, version, dim = "idle", "1", 1

    def __init__(self, rate: int) -> None:
        self.rate = rate

    def extract(self, segments: Sequence[Segment]) -> Floats:
        """Segments → (n, 1)."""
        return np.zeros((len(segments), self.dim), np.float32)


def idle(assignment: Assignment) -> Handler:
    """The server of an idle extractor at the assigned ``rate``."""
    plugin = IdleControl(assignment.table.options["rate"])
    return StatelessHandler(plugin, spec_of(assignment.table.name, plugin))


if __name__ == "__main__":
    main(idle)
