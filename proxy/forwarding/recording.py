"""Passes what an exchange of a recorded route receives and relays to its recording."""

from collections.abc import Mapping

from proxy.forwarding.masking import masked_names
from proxy.forwarding.request import Request
from proxy.forwarding.routes import Route
from proxy.observe.exchange_record import ExchangeRecord
from proxy.observe.recording import BeginRecording, ExchangeRecording
from proxy.wire.body import IncomingBody


def begin_recording(
    request: Request, route: Route, recorded: Mapping[str, BeginRecording], record: ExchangeRecord
) -> None:
    """Records the exchange if its route is among the recorded ones."""
    begin = recorded.get(route.name)
    if begin is not None:
        recording = record.recording = begin(request.head.fields.pairs(), masked_names(route.settings))
        request.body.tap = recording.request_piece


def record_answer(recording: ExchangeRecording, head: bytes, content: bytes, rest: IncomingBody) -> None:
    """Records an answer: its head, what has been consumed of its body, and the rest as it is read."""
    recording.answered(head)
    if content:
        recording.answer_piece(content)
    rest.tap = recording.answer_piece


def record_problem(recording: ExchangeRecording, octets: bytes) -> None:
    """Records an answer of ours."""
    head, _, content = octets.partition(b"\r\n\r\n")
    recording.answered(head)
    if content:
        recording.answer_piece(content)
