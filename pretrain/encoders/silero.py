"""The network of the detector ``silero``, taken again out of its publisher's package.

::

    pip download silero-vad==6.2.3 --no-deps
    python -m stimmung.pretrain.encoders.silero silero_vad-6.2.3-py3-none-any.whl models/silero_vad
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

from stimmung.engine.errors import InputError, StimmungError
from stimmung.engine.models.cards import load_card
from stimmung.plugins.detect.silero import FILE

MEMBER = "silero_vad/data/silero_vad_16k_sequence.onnx"  # 16 kHz alone, any number of hops a call


def rebuild(wheel: Path, folder: Path) -> Path:
    """Writes the network into the model's ``folder``, whose card names its sha256; returns its path.

    ``wheel`` is the package silero-vad in the version that the card names. Raises InputError when it
    cannot be read, holds no such file or another one than the card says.
    """
    card = load_card(folder)
    try:
        with zipfile.ZipFile(wheel) as archive:
            network = archive.read(MEMBER)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"'{wheel}' is not the package silero-vad", got=str(error)) from None
    got = hashlib.sha256(network).hexdigest()
    if got != card.files[FILE]:
        raise InputError(
            f"the network in '{wheel}' is not the one of the card",
            got=f"sha256 {got}",
            expected=card.files[FILE],
            remedy=f"take silero-vad {card.versions['silero-vad']}",
        )
    path = folder / FILE
    path.write_bytes(network)
    return path


def main(arguments: list[str]) -> int:
    """``WHEEL FOLDER``; returns the exit status."""
    if len(arguments) != 2:
        print("usage: python -m stimmung.pretrain.encoders.silero WHEEL FOLDER", file=sys.stderr)
        return 2
    try:
        print(rebuild(Path(arguments[0]), Path(arguments[1])))
    except StimmungError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
