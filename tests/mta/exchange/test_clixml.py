"""Objects of PowerShell Remoting, made by the real deserialiser of pypsrp from CLIXML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from smtpq_exporter.errors import ParseError
from smtpq_exporter.mta.exchange import EXCHANGE
from smtpq_exporter.mta.exchange.queue_clixml import report
from smtpq_exporter.mta.exchange.queue_json import parse
from smtpq_exporter.reasons import Classifier
from smtpq_exporter.rollup import roll_up

serializer = pytest.importorskip("pypsrp.serializer", reason="needs pypsrp: pip install .[psrp]")
NOW = 1795510800.0
TYPE = '<TN RefId="0"><T>Microsoft.Exchange.Data.QueueViewer.ExtensibleQueueInfo</T><T>System.Object</T></TN>'
ERROR = ("[{LRT=15-01-21};{LED=451 4.4.395 Target host responded with error. -&gt; 421 4.7.28 unusual rate};"
         "{FQDN=a}]")


def queue(
    identity: str, kind: str, hop: str, status: str, messages: int, *, error: str = '<Nil N="LastError" />',
    known: bool = True,
) -> str:
    """One queue as CLIXML, with the members that Exchange sends."""
    def enum(name: str, value: str) -> str:
        types = "<T>Microsoft.Exchange.Data.X</T><T>System.Enum</T><T>System.ValueType</T>"
        types += "<T>System.Object</T>" if known else ""
        return (f'<Obj N="{name}" RefId="9"><TN RefId="1">{types}</TN>'
                f"<ToString>{value}</ToString><I32>3</I32></Obj>")

    return (
        f'<Obj RefId="1">{TYPE}<ToString>{identity}</ToString><Props>{enum("DeliveryType", kind)}'
        f'<S N="NextHopDomain">{hop}</S>{enum("NextHopCategory", "External")}{enum("Status", status)}'
        f'<I32 N="MessageCount">{messages}</I32>{error}<I32 N="RetryCount">2</I32>'
        '<DT N="NextRetryTime">2026-11-24T08:58:00.1234567Z</DT><TS N="MaxIdle">PT3M</TS>'
        '<Db N="IncomingRate">0.5</Db><Db N="OutgoingRate">0.25</Db><Db N="Velocity">-0.25</Db>'
        '<G N="NextHopConnector">1b7f2b4e-6a39-4a62-9d33-0c5a8a3b7a11</G>'
        f'<S N="Identity">{identity}</S></Props>'
        '<MS><S N="PSComputerName">ex01</S><G N="RunspaceId">1b7f2b4e-6a39-4a62-9d33-0c5a8a3b7a11</G></MS>'
        "</Obj>"
    )


def message(name: str, received: str) -> str:
    """One message as CLIXML, with what must not leave the process."""
    return (f'<Obj RefId="1"><Props><S N="Queue">{name}</S><DT N="DateReceived">{received}</DT>'
            '<S N="Subject">secret plan</S><S N="FromAddress">boss@corp.example</S></Props></Obj>')


QUEUES = [
    queue("EX01\\301", "DnsConnectorDelivery", "bulk.example", "Retry", 17,
          error=f'<S N="LastError">{ERROR}</S>'),
    queue("EX01\\302", "DnsConnectorDelivery", "partner.example", "Active", 3, known=False),
    queue("EX01\\Submission", "Undefined", "Submisssion", "Ready", 0),
    queue("EX01\\Shadow\\7", "ShadowRedundancy", "ex02", "Ready", 40),
]


def server(cmdlet: str, parameters: Mapping[str, Any]) -> Sequence[Any]:
    """An endpoint that answers as Exchange does."""
    made = serializer.Serializer()
    if cmdlet == "Get-Queue":
        assert parameters == {"Server": "ex01", "ResultSize": "Unlimited"}
        return [made.deserialize(text) for text in QUEUES]
    assert cmdlet == "Get-Message"
    assert (parameters["SortOrder"], parameters["ResultSize"]) == ("+DateReceived", 1)
    if parameters.get("Queue") == "EX01\\302":
        raise LookupError("the queue is gone")
    name = parameters.get("Queue", "EX01\\301")
    return [made.deserialize(message(name, "2026-11-24T08:00:00.0000000Z"))]


def test_objects_become_the_document_of_the_script() -> None:
    """The real deserialiser's objects give the same sums as JSON, and nothing but what is asked for."""
    text = json.dumps(report(server, "ex01", "2026-11-24T09:00:00.000+00:00"))
    assert "secret" not in text
    assert "boss" not in text
    made = parse(text.encode(), Classifier(), NOW)
    found = roll_up(made, NOW, "psrp", queues=EXCHANGE.queues, asides=EXCHANGE.asides)
    messages = {name: q.messages for name, q in found.queues.items() if q.messages}
    assert messages == {"delivery": 3, "retry": 17}
    assert found.aside["shadow"].messages == 40
    retry = found.queues["retry"]
    assert (retry.retry_due, retry.oldest_arrival) == (17, NOW - 3600)
    assert (retry.incoming, retry.outgoing) == (0.5, 0.25)
    assert found.queues["delivery"].oldest_arrival is None
    assert {name for name, n in found.reasons.items() if n} == {"rate_limited"}
    assert made.taken_at == NOW


def test_no_queue_at_all_is_told_as_such() -> None:
    """An endpoint without queues gives an explicit empty list, one that sends something else an error."""
    assert report(lambda *_: [], "ex01", "x")["queues"] == []
    for nonsense in ("text", 7, None):
        with pytest.raises(ParseError):
            report(lambda *_, found=nonsense: [found], "ex01", "x")
