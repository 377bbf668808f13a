"""The queue listings of other Postfix versions, written after their documented formats from the messages of
one.

Messages are objects of ``postqueue -j``. Source of truth: showq.c at each version, attr_print0.c,
postqueue(1).
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

VERSIONS = ("3.1", "3.5", "3.6", "3.11")


def showq(messages: Sequence[dict[str, Any]], version: str) -> bytes:
    """What public/showq sends."""
    minor = int(version.split(".")[1])
    out = bytearray()
    if minor >= 6:
        out += _list(("protocol", "mail_queue_list_protocol"))
    for message in messages:
        fields = [
            ("queue_name", message["queue_name"]), ("queue_id", message["queue_id"]),
            ("time", message["arrival_time"]), ("size", message["message_size"]),
        ]
        if minor >= 5:
            fields.append(("forced_expire", int(message.get("forced_expire", False))))
        fields.append(("sender", message["sender"]))
        for one in message["recipients"]:
            reason = one.get("delay_reason", "")
            if minor >= 11:
                fields.append(("original_recipient", one["address"]))
            fields.append(("recipient", one["address"]))
            if minor >= 11:
                fields.append(("log_class", "defer" if reason else ""))
            fields.append(("reason", reason))
        out += _list(*fields)
    return bytes(out) + b"\0"


def _list(*fields: tuple[str, object]) -> bytes:
    return b"".join(f"{name}\0{value}\0".encode() for name, value in fields) + b"\0"


def text(messages: Sequence[dict[str, Any]], *, short: bool = False) -> bytes:
    """What showq of 3.0 sends, with long or short queue ids."""
    if not messages:
        return b"Mail queue is empty\n"
    lines = ["-Queue ID- --Size-- ----Arrival Time---- -Sender/Recipient-------"]
    total = 0
    for count, message in enumerate(messages):
        total += message["message_size"]
        forced = "#" if message.get("forced_expire") else " "
        mark = {"active": "*", "hold": "!"}.get(message["queue_name"], forced)
        name = (f"{count:05X}{count * 977:X}A" if short else message["queue_id"]) + mark
        date = time.strftime("%a %b %e %H:%M:%S", time.localtime(message["arrival_time"]))
        if short:
            lines.append(f"{name:<11} {message['message_size']:7d} {date:>20.20}  {message['sender']}")
        else:
            lines.append(f"{name:<17} {message['message_size']:8d} {date:>19.19} {message['sender']}")
        last = ""
        for one in message["recipients"]:
            reason = one.get("delay_reason", "")
            if reason and reason != last:
                lines.append(f"{'(' + reason + ')':>78}")
                last = reason
            lines.append(" " * 41 + one["address"])
        lines.append("")
    lines.append(f"-- {total // 1024} Kbytes in {len(messages)} Request{'' if len(messages) == 1 else 's'}.")
    return ("\n".join(lines) + "\n").encode()


def json_lines(messages: Sequence[dict[str, Any]], version: str) -> bytes:
    """What ``postqueue -j`` prints."""
    minor = int(version.split(".")[1])
    out = []
    for message in messages:
        one = dict(message)
        if minor < 5:
            one.pop("forced_expire", None)
        if minor >= 11:
            one["recipients"] = [{"orig_address": rcpt["address"], **rcpt} for rcpt in message["recipients"]]
        out.append(json.dumps(one) + "\n")
    return "".join(out).encode()
