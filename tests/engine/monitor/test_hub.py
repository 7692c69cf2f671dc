"""The past of a stream is bounded, and a slow viewer is given the present."""

from __future__ import annotations

from typing import Any

import msgspec
from stimmung.engine.monitor import hub as module
from stimmung.engine.monitor.hub import Hub, Viewer


def viewer(hub: Hub, queued: int = 8) -> Viewer:
    one = Viewer(lambda: None, queued)
    hub.join(one)
    hub.take(one)
    return one


def take(hub: Hub, one: Viewer) -> list[dict[str, Any]]:
    return [msgspec.json.decode(data) for data in hub.take(one)]


def state(stream: str, stop: int) -> dict[str, Any]:
    return {"kind": "state", "stream": stream, "target": "t", "stop": stop}


def stream(name: str, phase: str = "live") -> dict[str, Any]:
    return {"kind": "stream", "stream": name, "phase": phase}


def test_a_viewer_gets_the_states_of_all_and_the_rest_of_the_stream_it_watches() -> None:
    hub = Hub()
    one = viewer(hub)
    hub.watch(one, "a")
    for name in ("a", "b"):
        hub.publish(stream(name))
        hub.publish({"kind": "ledger", "stream": name})
        hub.publish(state(name, 1))
    got = [(message["kind"], message["stream"]) for message in take(hub, one)]
    assert got == [("stream", "a"), ("ledger", "a"), ("state", "a"), ("stream", "b"), ("state", "b")]


def test_whoever_comes_late_gets_the_past_in_its_order() -> None:
    hub = Hub({"state": 3})
    hub.publish(stream("a"))
    for stop in range(5):
        hub.publish(state("a", stop))
    one = viewer(hub)
    hub.watch(one, "a")
    (past,) = take(hub, one)
    assert past["kind"] == "past"
    assert [message.get("stop") for message in past["messages"]] == [None, 2, 3, 4]


def test_a_slow_viewer_is_told_what_it_missed_and_given_the_present() -> None:
    hub = Hub()
    hub.publish(stream("a"))
    slow, quick = viewer(hub), viewer(hub)
    hub.watch(slow, "a")
    for stop in range(100):
        hub.publish(state("a", stop))
        hub.take(quick)
    skipped, introduction, past = take(hub, slow)
    assert skipped == {"kind": "skipped", "messages": 96}
    assert introduction["messages"][-1]["stop"] == 99
    assert past["messages"][-1]["stop"] == 99
    assert (hub.skipped, take(hub, slow)) == (96, [])


def test_streams_that_ended_long_ago_are_forgotten() -> None:
    hub = Hub()
    one = viewer(hub, 1000)
    for number in range(module.ENDED + 3):
        hub.publish(stream(str(number)))
        hub.publish(stream(str(number), "ended"))
    gone = [message["stream"] for message in take(hub, one) if message["kind"] == "gone"]
    assert gone == ["0", "1", "2"]
