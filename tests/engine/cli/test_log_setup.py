"""Logs are lines for people, or an object a line for machines."""

from __future__ import annotations

import json
import subprocess
import sys

LOGS = """
import logging
from stimmung.engine.cli.log_setup import set_up

set_up(verbose=False, structured={structured})
logging.getLogger("stimmung.bus").info("not told")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("stimmung.bus").warning("worker %s\\nended", "hsf.0", exc_info={structured})
"""


def logged(structured: bool) -> list[str]:
    program = LOGS.format(structured=structured)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_structured_logs_are_one_object_a_line_whatever_is_said() -> None:
    (line,) = logged(structured=True)
    entry = json.loads(line)
    assert entry["message"] == "worker hsf.0\nended"
    assert (entry["level"], entry["logger"]) == ("warning", "stimmung.bus")
    assert entry["time"].endswith("+00:00")
    assert "ZeroDivisionError" in entry["error"]


def test_logs_for_people_name_level_and_part() -> None:
    assert logged(structured=False)[0] == "WARNING stimmung.bus: worker hsf.0"
