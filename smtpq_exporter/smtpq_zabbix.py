"""smtpq zabbix: values for the Zabbix agent, from the running exporter's sample and from nowhere else.

Law: what is not known is not printed. A failure prints nothing on stdout (an item without output is "not
supported" to every Zabbix, a 0 would be a lie) and says why on stderr, which the UserParameters drop. The
mail server is never asked: an agent waits for three seconds, and Zabbix 6.0 pauses a host that makes it wait.
Identities are cleaned for keys: UserParameters refuse most punctuation. Values match what /metrics shows.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from smtpq_exporter.checks.acquire import from_exporter
from smtpq_exporter.checks.evaluate import allowed_age
from smtpq_exporter.checks.options import Options
from smtpq_exporter.checks.quantity import parse_duration
from smtpq_exporter.errors import SmtpqError
from smtpq_exporter.reasons import REASONS

Row = dict[str, Any]
KINDS = ("servers", "queues", "sources", "spools", "reasons")
#: The parts of an identity of each kind, after mta and instance.
PART = {"servers": "", "queues": "queue", "sources": "source", "spools": "directory", "reasons": "reason"}
#: How one number is made of many; all others are sums.
COMBINE = {"oldest": max, "up": min, "success": min, "truncated": max, "last_success": min}
#: Values of a queue that a server has as well, of all its queues together.
ADDED = ("messages", "recipients", "bytes", "oldest", "held", "retry_due")
STATUSES = ("sent", "deferred", "bounced", "expired")
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")


def add(subparsers: Any) -> None:
    """Add the parser of this verb."""
    parser = subparsers.add_parser(
        "zabbix", help="values for Zabbix", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Print values of the running exporter for UserParameters of the Zabbix agent:\n\n"
                    "  json                            all values as one document, for a master item\n"
                    f"  discover KIND                   low-level discovery of {', '.join(KINDS)}\n"
                    "  get NAME [INSTANCE [PART]]      one value, such as: get messages postfix deferred;\n"
                    "                                  of all servers or queues together where none is named",
        epilog="What is not known is not printed: Zabbix then shows the item as not supported.\n"
               "Exit code: 0 printed, 1 not known (stderr says why), 2 wrong usage.",
    )
    parser.add_argument("what", choices=("json", "discover", "get"))
    parser.add_argument("words", nargs="*", metavar="WORD", help="as above")
    parser.add_argument("--url", default="", help="the exporter (default http://127.0.0.1:10125)")
    parser.add_argument("--credentials", default="", metavar="FILE",
                        help="file with user:password for the exporter")
    parser.add_argument("--ca-file", default="", metavar="FILE", help="CA by which https is trusted")
    parser.add_argument("--timeout", type=parse_duration, default=2.0, metavar="SEC",
                        help="give up after SEC seconds (default 2)")


def run(args: argparse.Namespace) -> int:
    """Print what was asked for, or nothing."""
    least, most = {"json": (0, 0), "discover": (1, 1), "get": (1, 3)}[args.what]
    if not least <= len(args.words) <= most or (args.what == "discover" and args.words[0] not in KINDS):
        print("smtpq zabbix: write json, discover KIND, or get NAME [INSTANCE [PART]]; "
              f"kinds are {', '.join(KINDS)}", file=sys.stderr)
        return 2
    options = Options({"url": args.url, "credentials": args.credentials, "ca_file": args.ca_file,
                       "certificate": "", "insecure": False})
    try:
        values = document(from_exporter(options, {}, time.monotonic() + args.timeout))
        if args.what == "json":
            text = json.dumps(values, separators=(",", ":"))
        elif args.what == "discover":
            text = json.dumps(discovery(values, args.words[0]), separators=(",", ":"))
        else:
            text = say(get(values, *args.words))
    except (SmtpqError, LookupError) as error:
        print(f"smtpq zabbix: {error.args[0] if isinstance(error, LookupError) else error}", file=sys.stderr)
        return 1
    print(text)
    return 0


def document(sample: Row) -> Row:
    """The sample as one flat document: for each kind a table of rows by their ids; what is unknown is absent.

    ``{"exporter": {...}, "servers": {id: row}, "queues": ..., "discovery": {"queues": [identity, ...]}}``
    """
    tables: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    for mta in sample["mtas"]:
        _server(mta, sample, tables)
    if sample["host_source"]:
        tables["sources"].append(_source({"mta": "", "instance": ""}, sample["host_source"]))
    success = [row.get("success") for row in tables["sources"]]
    made: Row = {
        "time": sample["time"],
        "exporter": {
            "version": sample["version"], "config_reload": int(sample["config_reload_ok"]),
            "sources": sum("success" in row and bool(row["mta"]) for row in tables["sources"]),
            "sources_failed": success.count(0),
        },
        "discovery": {},
    }
    for kind, rows in tables.items():
        made[kind] = _keyed(rows, kind)
        names = ("id", "mta", "instance", PART[kind])
        made["discovery"][kind] = [{name: row[name] for name in names if name} for row in made[kind].values()]
    return made


def discovery(values: Row, kind: str) -> list[Row]:
    """Low-level discovery rows of a kind, with cleaned identities: they become parts of keys."""
    found = []
    for row in values[kind].values():
        mta, instance, *part = row["id"].split(":")
        macros = {"{#ID}": row["id"], "{#MTA}": mta, "{#INSTANCE}": instance}
        if part:
            macros[f"{{#{PART[kind].upper()}}}"] = part[0]
        found.append(macros)
    return found


def get(values: Row, name: str, instance: str = "", part: str = "") -> float:
    """One value; LookupError where it is not known. Names may be cleaned, or as the sample has them."""
    kinds = [kind for kind in (KINDS if part else ("servers", "sources", "spools", "reasons"))
             if any(name in row for row in values[kind].values())]
    if not instance and name in values["exporter"] and name != "version":
        return float(values["exporter"][name])
    for kind in kinds:
        rows = [row for row in values[kind].values() if _named(row, instance, part, PART[kind])]
        if part and not PART[kind]:
            continue
        servers = {(row["mta"], row["instance"]) for row in rows}
        if instance and len(servers) > 1:
            raise LookupError(f"{instance} is the name of several servers: write MTA:INSTANCE")
        if rows and all(name in row for row in rows):
            return float(COMBINE.get(name, sum)(row[name] for row in rows))
    raise LookupError(f"{' '.join(filter(None, (name, instance, part)))}: not known now")


def say(number: float) -> str:
    """A number as every Zabbix takes it: never with an exponent."""
    return f"{number:.3f}".rstrip("0").rstrip(".")


def clean(name: str) -> str:
    """A name of the characters that may stand in a key of a UserParameter."""
    return "".join(letter if letter in _SAFE else "_" for letter in name.lower())


def _named(row: Row, instance: str, part: str, field: str) -> bool:
    mta, cleaned, *parts = row["id"].split(":")
    if instance not in ("", row["instance"], cleaned, f"{mta}:{cleaned}"):
        return False
    return not part or bool(field and part in (row[field], *parts))


def _server(mta: Row, sample: Row, tables: dict[str, list[Row]]) -> None:
    who = {"mta": mta["mta"], "instance": mta["instance"]}
    queue = mta["queue"]
    # A sampler that stands still goes on serving its last sample: what is old is not known.
    fresh = queue and sample["time"] - queue["taken_at"] <= allowed_age(mta, Options({"max_age": None}))
    queues = [_queue(who, name, stats, fresh) for name, stats in (queue["queues"] if queue else {}).items()]
    together = {}
    if queues:
        for name in ADDED:
            if all(name in row for row in queues):
                together[name] = COMBINE.get(name, sum)(row[name] for row in queues)
    tables["servers"].append(_row(who, up=mta["up"], version=mta["version"] or None, **together, **_log(mta)))
    tables["queues"] += queues
    tables["sources"] += [_source(who, source) for source in mta["sources"]]
    if fresh and queue["reasons"]:  # a source that shows no reasons leaves it empty: zeros would be invented
        counts = {**dict.fromkeys(REASONS, 0), **queue["reasons"]}
        tables["reasons"] += [_row(who, reason=reason, recipients=count) for reason, count in counts.items()]
    disk = mta["filesystem"]
    if disk:
        files = {"files": disk["files"], "files_free": disk["files_free"]} if disk["files"] else {}
        tables["spools"].append(_row(who, directory=disk["directory"], size=disk["size_bytes"],
                                     available=disk["available_bytes"], **files))


def _queue(who: Row, name: str, stats: Row, fresh: bool) -> Row:
    if not fresh:
        return _row(who, queue=name)
    # An empty queue has no oldest message. Zabbix would keep the age of the last one, and its problem: say 0.
    oldest = 0 if stats["messages"] == 0 else stats["oldest_age_seconds"]
    return _row(who, queue=name, messages=stats["messages"], recipients=stats["recipients"],
                bytes=stats["bytes"], oldest=oldest, held=stats["held"], retry_due=stats["retry_due"])


def _log(mta: Row) -> Row:
    log = mta["log"]
    if log is None:
        return {}
    counts = {status: log["deliveries"].get(status, 0) for status in STATUSES}
    return {**counts, "received": log["received"], "removed": log["removed"], "log_lag": log["lag_bytes"],
            "auth_failures": log["auth_failures"]}


def _source(who: Row, source: Row) -> Row:
    return _row(who, source=source["source"], duration=source["duration_seconds"],
                success=source["success"] if source["last_attempt"] is not None else None,
                last_success=source["last_success"], interval=source["interval_seconds"],
                truncated=source["truncated"], errors=sum(source["errors"].values()))


def _row(who: Row, **values: Any) -> Row:
    """A row without what is not known; truth as 1 and 0."""
    known = {name: int(value) if isinstance(value, bool) else value
             for name, value in values.items() if value is not None}
    return {**who, **known}


def _keyed(rows: list[Row], kind: str) -> dict[str, Row]:
    """Rows by their ids. Where two names clean to the same id, those that were changed get a checksum."""
    found: dict[str, list[tuple[str, Row]]] = {}
    for row in rows:
        raw = _raw(row, kind)
        found.setdefault(":".join(map(clean, raw)), []).append((":".join(raw), row))
    keyed: dict[str, Row] = {}
    for cleaned, alike in found.items():
        for raw_id, row in alike:
            made = cleaned
            if len(alike) > 1 and raw_id != cleaned:
                from binascii import crc32

                made = f"{cleaned}_{crc32(raw_id.encode('utf-8', 'surrogateescape')):08x}"
            keyed[made] = {"id": made, **row}
    return keyed


def _raw(row: Row, kind: str) -> tuple[str, ...]:
    part = PART[kind]
    return (row["mta"], row["instance"], row[part]) if part else (row["mta"], row["instance"])
