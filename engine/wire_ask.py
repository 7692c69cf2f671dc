"""Questions to detectors and transcribers as messages, and what is told as answers."""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np

from . import wire
from .ask import Ask, Question, Told
from .bus import Answer, Job
from .call import Call
from .errors import WireError
from .types import Floats, Span


def encode_job(ticket: int, job: Job, kept: Container[int] = ()) -> list[bytes]:
    """The frames that put a call or a question to a worker; it has ``kept`` the rows of those blocks."""
    return wire.encode_call(ticket, job, kept) if isinstance(job, Call) else encode_ask(ticket, job)


def encode_ask(ticket: int, ask: Ask) -> list[bytes]:
    """The frames of a question."""
    asked, span = ask.question, ask.question.span
    header = wire.AskHeader(
        ticket=ticket,
        instance=ask.instance,
        method=asked.method,
        start=span.start,
        stop=span.stop,
        rate=span.rate,
        anew=asked.anew,
        origin=ask.origin,
        shapes=[list(asked.samples.shape)],
    )
    return wire.encode(header, [asked.samples])


def decode_question(message: wire.AskHeader, arrays: Sequence[Floats]) -> Question:
    """The question of a message; :class:`WireError` when its audio is unfit."""
    (samples,) = arrays
    heard = message.method in ("hear", "detect")
    if samples.shape != ((message.stop - message.start,) if heard else (0,)):
        raise WireError(
            f"field shapes does not suit {message.method}",
            got=str(message.shapes),
            expected="the samples from start to stop" if heard else "none",
        )
    span = Span(message.start, message.stop, message.rate)
    return Question(message.method, span, samples, message.anew)


def encode_told(ticket: int, told: Told) -> list[bytes]:
    """The frames of what was told."""
    flags = [] if told.flags is None else [told.flags.astype(np.float32)]
    header = wire.ToldHeader(
        ticket=ticket,
        fresh=told.fresh,
        sentences=list(told.sentences),
        words=told.words,
        shapes=[list(one.shape) for one in flags],
    )
    return wire.encode(header, flags)


def answer_of(message: wire.Message, arrays: Sequence[Floats]) -> tuple[int, Answer] | None:
    """The ticket and the answer in a message; None where it answers nothing."""
    if isinstance(message, wire.Result):
        return message.ticket, Answer(arrays[0], block=message.ticket)
    if isinstance(message, wire.Failure):
        return message.ticket, Answer(None, "failed", message.error)
    if isinstance(message, wire.Unfit):
        return message.ticket, Answer(None, "unfit", message.error)
    if isinstance(message, wire.ToldHeader):
        flags = arrays[0] > 0 if arrays else None
        told = Told(tuple(message.sentences), message.words, flags, message.fresh)
        return message.ticket, Answer(None, told=told)
    return None
