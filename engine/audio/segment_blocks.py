"""The blocks of a segment of which descriptors are made, where they are made for each segment by itself."""

from __future__ import annotations


def segment_blocks(length: int, hop: int, support: int) -> list[tuple[int, int]]:
    """(start, stop) of each block in a segment of ``length`` samples, so that every sample is in one.

    Blocks of ``support`` samples begin every ``hop`` from the segment's start, as long as they fit; where the
    last of them does not reach the segment's end, one more ends there. A segment that is not longer than
    ``support`` is one block.
    """
    if length <= support:
        return [(0, length)]
    blocks = [(start, start + support) for start in range(0, length - support + 1, hop)]
    if blocks[-1][1] < length:
        blocks.append((length - support, length))
    return blocks
