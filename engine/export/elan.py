"""ELAN: one .eaf a recording, one tier a target. EAF 3.0, Max Planck Institute for Psycholinguistics."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from xml.etree import ElementTree as Xml

from .intervals import Names, Recording, Run

SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
TYPE = "default-lt"


def write(run: Run, out: Path) -> int:
    """One file for each recording."""
    names = Names(".eaf")
    for recording in run:
        tree = Xml.ElementTree(_document(recording))
        Xml.indent(tree, "    ")
        tree.write(out / names.of(recording), encoding="utf-8", xml_declaration=True)
    return names.count


def _document(recording: Recording) -> Xml.Element:
    root = Xml.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "stimmung",
            "DATE": "1970-01-01T00:00:00+00:00",  # equal runs give equal files
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": INSTANCE,
            "xsi:noNamespaceSchemaLocation": SCHEMA,
        },
    )
    header = Xml.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    media = Path(os.path.abspath(recording.stream))
    mime = mimetypes.guess_type(media)[0] or "audio/x-wav"
    Xml.SubElement(header, "MEDIA_DESCRIPTOR", {"MEDIA_URL": media.as_uri(), "MIME_TYPE": mime})
    order = Xml.SubElement(root, "TIME_ORDER")
    slots: dict[int, str] = {}
    tiers = {target: recording.tier(target) for target in recording.targets}
    for position in sorted({at for tier in tiers.values() for own in tier for at in (own.start, own.stop)}):
        slots[position] = f"ts{len(slots) + 1}"
        value = str(round(1000 * position / recording.rate))
        Xml.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": slots[position], "TIME_VALUE": value})
    number = 0
    for target, tier in tiers.items():
        element = Xml.SubElement(root, "TIER", {"LINGUISTIC_TYPE_REF": TYPE, "TIER_ID": target})
        for interval in tier:
            number += 1
            holder = Xml.SubElement(element, "ANNOTATION")
            where = {
                "ANNOTATION_ID": f"a{number}",
                "TIME_SLOT_REF1": slots[interval.start],
                "TIME_SLOT_REF2": slots[interval.stop],
            }
            annotation = Xml.SubElement(holder, "ALIGNABLE_ANNOTATION", where)
            Xml.SubElement(annotation, "ANNOTATION_VALUE").text = interval.label
    kind = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": TYPE, "TIME_ALIGNABLE": "true"}
    Xml.SubElement(root, "LINGUISTIC_TYPE", kind)
    return root
