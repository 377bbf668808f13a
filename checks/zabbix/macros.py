"""The user macros of the Zabbix templates: each threshold and time of plan.py, with its default. Pure."""

from __future__ import annotations

#: Macro, value, what it is. Those of the way to the exporter stand in template.py.
MACROS: tuple[tuple[str, str, str], ...] = (
    ("{$SMTPQ.INTERVAL}", "1m", "How often values are taken."),
    ("{$SMTPQ.NODATA}", "10m", "So long without data is a problem; not less than three intervals."),
    ("{$SMTPQ.WINDOW}", "5m", "So long must a limit be exceeded all the time."),
    ("{$SMTPQ.MESSAGES.WARN}", "100", "Messages in a queue; with context: in this queue."),
    ("{$SMTPQ.MESSAGES.HIGH}", "500", "Messages in a queue; with context: in this queue."),
    ("{$SMTPQ.AGE.WARN}", "4h", "Age of the oldest message; mail servers warn senders after this time."),
    ('{$SMTPQ.AGE.WARN:"maildrop"}', "15m", "New mail passes here within seconds."),
    ('{$SMTPQ.AGE.WARN:"incoming"}', "15m", "New mail passes here within seconds."),
    ('{$SMTPQ.AGE.WARN:"clientmqueue"}', "15m", "New mail passes here within seconds."),
    ('{$SMTPQ.AGE.WARN:"submission"}', "15m", "New mail passes here within seconds."),
    ('{$SMTPQ.AGE.WARN:"hold"}', "52w", "Held mail waits on purpose and has a trigger of its own."),
    ('{$SMTPQ.AGE.WARN:"corrupt"}', "52w", "Counted as held."),
    ("{$SMTPQ.AGE.HIGH}", "1d", "Age of the oldest message."),
    ('{$SMTPQ.AGE.HIGH:"hold"}', "104w", "Held mail waits on purpose and has a trigger of its own."),
    ('{$SMTPQ.AGE.HIGH:"corrupt"}', "104w", "Counted as held."),
    ("{$SMTPQ.AGE.MESSAGES}", "0", "Age is judged only where more messages than this wait."),
    ("{$SMTPQ.HELD.WARN}", "0", "Messages on hold."),
    ("{$SMTPQ.HELD.WINDOW}", "1h", "Time for those who hold mail on purpose."),
    ("{$SMTPQ.GROWTH.WARN}", "200", "So many messages more than before, and"),
    ("{$SMTPQ.GROWTH.FACTOR}", "1.5", "so many times as many"),
    ("{$SMTPQ.GROWTH.PERIOD}", "1h", "as so long ago."),
    ("{$SMTPQ.DEFERRALS.WARN}", "10", "Deferred recipients a minute."),
    ("{$SMTPQ.DEFERRALS.HIGH}", "60", "Deferred recipients a minute."),
    ("{$SMTPQ.DEFERRALS.WINDOW}", "15m", "Over so long."),
    ("{$SMTPQ.LOG.LAG}", "1M", "Bytes of log that are written and not read."),
    ("{$SMTPQ.SOURCE.WINDOW}", "10m", "So long must a source fail; survives a restart of the mail server."),
    ("{$SMTPQ.SOURCE.AGE}", "1h", "A source that was not read for so long (and three intervals) is stale."),
    ("{$SMTPQ.SPOOL.FREE.WARN}", "20", "Percent free of the file system under the queue."),
    ("{$SMTPQ.SPOOL.FREE.HIGH}", "10", "Percent free of the file system under the queue."),
    ("{$SMTPQ.REASON.WARN}", "1000000", "Recipients that wait for one reason; with context: for this one."),
    ('{$SMTPQ.REASON.WARN:"blocklisted"}', "50", "Others refuse our mail because of our reputation."),
    ('{$SMTPQ.REASON.WARN:"auth_failure"}', "50", "SPF, DKIM or DMARC of our mail fails."),
    ('{$SMTPQ.REASON.WARN:"local_resource"}', "0", "This host is out of space, memory or processes."),
    *((f"{{$SMTPQ.{kind}.{way}}}", value, text)
      for kind in ("QUEUE", "SOURCE", "SERVER", "SPOOL", "REASON")
      for way, value, text in (("MATCHES", ".*", "Only what matches is discovered."),
                               ("NOT_MATCHES", "CHANGE_IF_NEEDED", "What matches is not discovered."))),
)
