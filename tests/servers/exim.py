"""Exim in a world of its own. Source: the Exim specification, chapters 14 (options), 30 (smtp), 52 (log)."""

from __future__ import annotations

from tests.servers.overlay import OverlayServer
from tests.servers.replies import ADDRESSES, routes

CONFIGURATION = """
primary_hostname = mail.sender.example
exim_user = Debian-exim
exim_group = Debian-exim
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
spool_directory = /var/spool/exim4
log_file_path = /var/log/mta/%slog
pid_file_path = /run/exim4/exim.pid
# its abstract socket would be seen by the Exim of another test run
notifier_socket =
split_spool_directory = true
host_lookup =
rfc1413_query_timeout = 0s
helo_lookup_domains =
disable_ipv6 = true
queue_run_max = 10
remote_max_parallel = 10
# no limit of connections or of messages in a connection sends mail into the queue untried
smtp_accept_max = 200
smtp_accept_queue_per_connection = 0
message_size_limit = 50M
keep_environment =
log_selector = +queue_time +deliver_time +smtp_confirmation +received_recipients +queue_time_overall
acl_smtp_rcpt = accept
acl_smtp_data = accept
never_users =
begin routers
bounces:
  driver = accept
  domains = sender.example : *.sender.example
  transport = blackhole
to_sink:
  driver = manualroute
  domains = *.example
  transport = to_sink
  route_data = ${{lookup{{$domain}}lsearch{{/etc/exim4/routes}}{{$value}}{{{default}}}}}
  self = send
  host_find_failed = defer
  no_more
begin transports
to_sink:
  driver = smtp
  port = {sink}
  interface = 127.0.0.1
  allow_localhost
  hosts_avoid_tls = *
  hosts_try_fastopen = :
  connect_timeout = 5s
  command_timeout = 5s
blackhole:
  driver = appendfile
  file = /dev/null
  user = Debian-exim
begin retry
* * F,2h,15m; G,16h,1h,1.5; F,4d,6h
"""


class EximServer(OverlayServer):
    """A private Exim (Debian's light daemon), log in its own format."""

    mta = "exim"
    packages = ("exim4-base", "exim4-config", "exim4-daemon-light", "libidn12")
    users = ("Debian-exim",)
    inner_spool = "/var/spool/exim4"
    daemon = ("exim4", "-bdf")
    tools = ("exim4", "exim", "exiqgrep", "exiqsumm", "mailq")
    log_name = "mainlog"
    syslog = False
    # the packages make these links when they are configured
    prepare = """
mkdir -p /run/exim4
chown Debian-exim: /var/spool/exim4 /var/log/mta /run/exim4
chmod 750 /var/spool/exim4
chmod 4755 /usr/sbin/exim4
ln -sf exim4 /usr/sbin/exim
ln -sf ../sbin/exim4 /usr/bin/mailq
"""

    def files(self) -> dict[str, str]:
        """Its configuration and where each domain goes."""
        filled = CONFIGURATION.format(port=self.port, sink=self.sink.port, default=ADDRESSES["bounces"])
        return {"/etc/exim4/exim4.conf": filled, "/etc/exim4/routes": "\n".join(routes("exim", 0)) + "\n"}

    def count(self) -> int:
        """Messages = -H files."""
        return len(list(self.spool.glob("input/**/*-H")))

    def idle(self) -> bool:
        """Only the daemon itself runs: each reception and each delivery is a process."""
        return len(self.processes()) == 1

    def flush(self) -> None:
        """One queue run that ignores retry times and waits for its deliveries."""
        self.run("exim4", "-qff")
