"""The measured costs as tables, and what became of the goals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.table import Goal, Table, conditions, goals, mebibytes, seconds, times

Found = dict[str, Any]
METHOD = """\
Medians, warm page cache. CPU is that of all processes that take part, Postfix' showq included. The peers do
less: only smtpq has distributions, destinations, reasons and retries in every reading. Up to 4,000 messages
were accepted and deferred by Postfix for real, the others are copies under fresh ids. Between two readings of
the changing spool one message in a thousand (at least 16) is tried again, one is delivered, one arrives."""
EXPORTER, MAILQ, POSTQUEUE = "prometheus-postfix-exporter", "check_mailq", "postqueue -j"


def at(found: Found, path: str) -> Any:
    """A value by its path, as "postfix/100000/peers/check_mailq/wall"; None if it was not measured."""
    value: Any = found
    for key in path.split("/"):
        if not isinstance(value, dict) or value.get(key) is None:
            return None
        value = value[key]
    return value


def name_of(size: str) -> str:
    """1000 -> 1,000."""
    return f"{int(size):,}"


def reading(found: Found, size: str) -> Table:
    """One table: every way to read one queue, its cost, and the ratio to the best known exporter."""
    columns = ("who", "wall", "CPU", "of it showq", "peak memory", "exporter's CPU ÷ this")
    table = Table(f"Reading a queue of {name_of(size)} messages", columns)
    yardstick = at(found, f"postfix/{size}/peers/{EXPORTER}/cpu")

    def row(who: str, cost: Found | None, memory: float | None) -> None:
        if cost:
            cells = [seconds(cost["wall"]), seconds(cost["cpu"]), seconds(cost["server"] or None)]
            table.add(who, *cells, mebibytes(memory), times(yardstick, cost["cpu"]))

    ours = at(found, f"postfix/{size}/readers") or {}
    seen = sorted({(mine["messages"], mine["recipients"]) for mine in ours.values()})
    if len(seen) == 1:
        table.note = f"All our readers saw {seen[0][0]:,} messages for {seen[0][1]:,} recipients."
    elif seen:
        table.note = f"**Our readers disagree** about messages and recipients: {seen}."
    for source, mine in ours.items():
        row(f"smtpq, {source}, first", mine["first"], mine["peak_rss"])
        row(f"smtpq, {source}, {mine.get('changed')} messages changed", mine.get("steady"), mine["peak_rss"])
        rest = "nothing changed" if source == "spool" else "again"
        row(f"smtpq, {source}, {rest}", mine.get("again"), mine["peak_rss"])
    for who, cost in (at(found, f"postfix/{size}/peers") or {}).items():
        row(who, cost, cost and cost["rss"])
    return table


def million(found: Found) -> Table | None:
    """The synthetic queue."""
    mine = at(found, "synthetic/readers/spool")
    if not mine:
        return None
    where = " in memory (tmpfs)" if found["synthetic"].get("memory") else ""
    table = Table(f"A synthetic queue of {found['synthetic']['messages']:,} messages{where}, spool reader",
                  ("reading", "wall", "CPU", "memory afterwards"),
                  note="300 senders' domains, 5,000 destinations, 15 kinds of reply texts; Zipf.")
    for what, words in (("first", "first"), ("steady", f"{mine.get('changed')} messages changed"),
                        ("again", "nothing changed")):
        cost = mine[what]
        table.add(words, seconds(cost["wall"]), seconds(cost["cpu"]), mebibytes(mine["rss"]))
    return table


def served(found: Found) -> Table:
    """The daemon's table."""
    columns = ("messages", "/metrics p50", "p99", "p99 during the first reading", "50 clients p99", "failed",
               "CPU of one core", "memory", "peak")
    table = Table("Being scraped", columns,
                  note="Ten scrapes a second on one connection for 20 s, gzip and OpenMetrics as Prometheus "
                       "asks for them; then 50 clients at once, 20 scrapes each without a pause. A reading "
                       "every 5 s.")
    places = [(size, f"postfix/{size}/serving") for size in at(found, "postfix") or {}]
    places += [(str(at(found, "synthetic/messages") or 0), "synthetic/serving")]
    for size, path in places:
        mine = at(found, path)
        if mine:
            table.add(name_of(size), seconds(mine["steady"]["p50"]), seconds(mine["steady"]["p99"]),
                      seconds(mine["first"]["p99"]), seconds(mine["crowd"]["p99"]),
                      str(mine["crowd"]["failures"] + mine["steady"]["failures"] + mine["first"]["failures"]),
                      f"{100 * mine['cpu_share']:.1f} %", mebibytes(mine["rss"]), mebibytes(mine["peak_rss"]))
    return table


def checked(found: Found) -> Table:
    """The check's table."""
    columns = ("messages", "python3 -c pass", "check_smtpq_queue, exporter", "check_smtpq_queue, mail server",
               "check_mailq", "check_mailq ÷ ours")
    table = Table("One call of a check", columns)
    for size in at(found, "postfix") or {}:
        mine, mailq = at(found, f"postfix/{size}/check"), at(found, f"postfix/{size}/peers/{MAILQ}/wall")
        if mine:
            table.add(name_of(size), seconds(mine["python"]["wall"]), seconds(mine["exporter"]["wall"]),
                      seconds(mine["mta"]["wall"]), seconds(mailq), times(mailq, mine["exporter"]["wall"]))
    return table


def judge(found: Found) -> list[Goal]:
    """Each goal with its measured value."""
    big, made = "postfix/100000", []

    def share(what: str, limit: float, words: str, value: str, of: str) -> None:
        """A cost that is to be a share of another one."""
        mine, other = at(found, value), at(found, of)
        if mine is None or not other:
            made.append(Goal(what, words, "not measured", None))
            return
        ratio = mine / other
        shown = f"1/{1 / ratio:,.0f}" if ratio < 0.2 else f"{ratio:.2f}"
        made.append(Goal(what, words, f"{shown} ({seconds(mine)} of {seconds(other)})", ratio <= limit))

    def bound(what: str, limit: float, words: str, value: str, show: Callable[[float], str | None]) -> None:
        mine = at(found, value)
        made.append(Goal(what, words, "not measured" if mine is None else str(show(mine)),
                         None if mine is None else mine <= limit))

    scrape = f"{big}/peers/{EXPORTER}/cpu"
    share("CPU of a reading of the changing spool, 100k, of a scrape of the exporter", 1 / 40,
          "≤ 1/40", f"{big}/readers/spool/steady/cpu", scrape)
    share("the same with nothing changed", 1 / 200, "≤ 1/200", f"{big}/readers/spool/again/cpu", scrape)
    bound("reading of the changing spool at 1M, wall", 1.0,
          "≤ 1 s", "synthetic/readers/spool/steady/wall", seconds)
    share("CPU of the first spool reading, 100k, of postqueue -j", 0.5, "≤ 0.5",
          f"{big}/readers/spool/first/cpu", f"{big}/peers/{POSTQUEUE}/cpu")
    share("wall time of a showq reading, 100k, of postqueue -j", 1.05, "≤ 1.05",
          f"{big}/readers/showq/again/wall", f"{big}/peers/{POSTQUEUE}/wall")
    for size, path in (("100k", f"{big}/serving"), ("1M", "synthetic/serving")):
        bound(f"/metrics ten times a second, p99, {size}", 0.010, "≤ 10 ms", f"{path}/steady/p99", seconds)
        bound(f"/metrics during the first reading, p99, {size}", 0.025,
              "≤ 25 ms", f"{path}/first/p99", seconds)
        bound(f"50 parallel clients, p99, {size}", 0.150, "≤ 150 ms", f"{path}/crowd/p99", seconds)
        bound(f"50 parallel clients, failures, {size}", 0, "none", f"{path}/crowd/failures", str)
    share("check_smtpq_queue --source exporter, of python3 -c pass", 3, "≤ 3",
          f"{big}/check/exporter/wall", f"{big}/check/python/wall")
    share("the same at 100k, of check_mailq", 1 / 20, "≤ 1/20",
          f"{big}/check/exporter/wall", f"{big}/peers/{MAILQ}/wall")
    bound("memory of the daemon, 100k", 70 * 2**20, "≤ 70 MiB", f"{big}/serving/peak_rss", mebibytes)
    bound("memory of the daemon, 1M", 250 * 2**20, "≤ 250 MiB", "synthetic/serving/peak_rss", mebibytes)
    return made


def report(found: Found) -> str:
    """The whole section."""
    ours = f"Our readers and the daemon run on {found['python']}."
    parts = ["## Reading queues, being scraped, being asked", "", conditions(), ours, "", METHOD, "",
             goals(judge(found)).markdown()]
    tables = [*(reading(found, size) for size in at(found, "postfix") or {}),
              million(found), served(found), checked(found)]
    parts += [table.markdown() for table in tables if table and table.rows]
    parts.append(f"The whole run took {found['seconds'] / 60:.0f} minutes.")
    return "\n".join(parts)
