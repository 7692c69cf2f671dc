"""EfficientNet-Lite0: an image of 224 × 224 points → 1280 activations.

Tan & Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"; its Lite
variants have neither
squeeze-and-excitation nor swish, and here their batch normalisations are already part of the filters.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

SIZE = 224
DIM = 1280
# How the network was trained to see: (value of 0 to 255 - MEAN) / DEVIATION.
MEAN, DEVIATION = 127.0, 128.0
# Of each inverted bottleneck: channels out, kernel, stride; all but the first widen sixfold.
BLOCKS = (
    (16, 3, 1),
    *((24, 3, 2), (24, 3, 1)),
    *((40, 5, 2), (40, 5, 1)),
    *((80, 3, 2), (80, 3, 1), (80, 3, 1)),
    *((112, 5, 1), (112, 5, 1), (112, 5, 1)),
    *((192, 5, 2), (192, 5, 1), (192, 5, 1), (192, 5, 1)),
    (320, 3, 1),
)


class Convolution(nn.Module):
    """A convolution padded as TensorFlow pads, which for a stride of 2 is more at the end; then ReLU6."""

    def __init__(
        self, before: int, after: int, kernel: int, stride: int = 1, *, groups: int = 1, bend: bool = True
    ) -> None:
        super().__init__()
        self.filters = nn.Conv2d(before, after, kernel, stride, groups=groups)
        self._bend = bend

    def forward(self, image: Tensor) -> Tensor:
        kernel, stride = self.filters.kernel_size[0], self.filters.stride[0]
        padding = []
        for size in (image.shape[3], image.shape[2]):
            total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
            padding += [total // 2, total - total // 2]
        out: Tensor = self.filters(functional.pad(image, padding))
        return functional.relu6(out) if self._bend else out


class Block(nn.Module):
    """An inverted bottleneck: widen, filter each channel, narrow; added to its input where shapes allow."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, widening: int) -> None:
        super().__init__()
        wide = before * widening
        self.widen = Convolution(before, wide, 1) if widening > 1 else None
        self.filter = Convolution(wide, wide, kernel, stride, groups=wide)
        self.narrow = Convolution(wide, after, 1, bend=False)
        self._residual = stride == 1 and before == after

    def forward(self, image: Tensor) -> Tensor:
        wide = image if self.widen is None else self.widen(image)
        out: Tensor = self.narrow(self.filter(wide))
        return out + image if self._residual else out


class EfficientNetLite0(nn.Module):
    """(n, 3, 224, 224) of values 0 to 255 → (n, 1280)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Convolution(3, 32, 3, 2)
        blocks, before = [], 32
        for number, (after, kernel, stride) in enumerate(BLOCKS):
            blocks.append(Block(before, after, kernel, stride, widening=6 if number else 1))
            before = after
        self.blocks = nn.Sequential(*blocks)
        self.top = Convolution(before, DIM, 1)

    def forward(self, image: Tensor) -> Tensor:
        seen: Tensor = self.top(self.blocks(self.stem((image - MEAN) / DEVIATION)))
        return seen.mean(dim=(2, 3))


def load(weights: Mapping[str, Tensor]) -> EfficientNetLite0:
    """The network with these weights, which may be of half precision; RuntimeError when they do not fit."""
    network = EfficientNetLite0()
    network.load_state_dict({name: value.to(torch.float32) for name, value in weights.items()})
    return network.eval()
