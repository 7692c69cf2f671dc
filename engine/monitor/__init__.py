"""The dashboard: what happens in running streams, shown on a page that a small server hands out.

    streams ─ observer → collector ─ messages → hub ─ bounded queues → server → page

The engine knows nothing of it. The page knows messages only (docs/monitor.md lists them), so whoever
publishes messages to a :class:`~stimmung.engine.monitor.hub.Hub` can show something else on it.
"""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import ConfigError

NEEDED = ("starlette", "uvicorn", "websockets", "plotly", "prometheus_client")


def require() -> None:
    """Raises ConfigError, with the remedy, where the optional packages of the dashboard are missing."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigError(
            "the dashboard needs packages that are not installed",
            got=f"no {', '.join(missing)}",
            remedy="pip install 'stimmung[monitor]'",
        )
