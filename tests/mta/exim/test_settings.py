"""What is found of an Exim on a host: spool, log, queues, names, from its own words or from its files."""

from __future__ import annotations

from collections.abc import Sequence

from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.exim import EXIM
from smtpq_exporter.mta.exim.settings import settle


class Host:
    """A mta.base.Probe over what a test says is there."""

    def __init__(self, files: dict[str, str] | None = None, says: str | None = None) -> None:
        self.files, self.says = files or {}, says
        self.ran: list[tuple[str, ...]] = []

    def read(self, path: str) -> bytes | None:
        return self.files[path].encode() if path in self.files else None

    def exists(self, path: str) -> bool:
        return any(name == path or name.startswith(path + "/") for name in self.files)

    def listdir(self, path: str) -> list[str] | None:
        names = {name[len(path) + 1 :].split("/")[0] for name in self.files if name.startswith(path + "/")}
        return sorted(names) if names else None

    def run(self, argv: Sequence[str]) -> bytes | None:
        self.ran.append(tuple(argv))
        return None if self.says is None else self.says.encode()


SAYS = """spool_directory = /srv/exim
log_file_path = syslog : /srv/log/%slog-%D
pid_file_path = /run/exim4/exim.pid
syslog_processname = mta
"""


def test_exim_itself_is_asked_first() -> None:
    """Exim -bP says where spool, logs and process id are; named queues are seen in the spool."""
    host = Host(
        {
            "/srv/exim/input/x": "",
            "/srv/exim/bulk/input/x": "",
            "/srv/exim/db/retry": "",
            "/etc/exim4/exim4.conf": "",
        },
        SAYS,
    )
    (found,) = settle(Instance("exim", ""), host)
    assert (found.name, found.queue_directory, found.config_directory) == ("exim", "/srv/exim", "/etc/exim4")
    assert found.logs == ("/srv/log/mainlog-*",)
    assert found.syslog_names == ("mta",)
    assert dict(found.options) == {"queues": "bulk", "pid_file_path": "/run/exim4/exim.pid"}
    assert host.ran[0][:2] == ("exim", "-bP")


def test_without_exim_its_files_tell() -> None:
    """A configuration that names the spool plainly or by a macro is enough; else the usual place counts."""
    conf = "SPOOL = /data/spool\n# spool_directory = /no\nspool_directory = SPOOL\nlog_file_path = $spool/x\n"
    (found,) = settle(Instance("exim", ""), Host({"/etc/exim/exim.conf": conf}))
    assert (found.queue_directory, found.config_directory, found.logs) == (
        "/data/spool",
        "/etc/exim",
        ("auto",),
    )
    (found,) = settle(Instance("exim", ""), Host({"/var/spool/exim/input/x": ""}))
    assert found.queue_directory == "/var/spool/exim"
    (found,) = settle(Instance("exim", ""), Host())
    assert (found.queue_directory, found.options) == ("/var/spool/exim4", ())


def test_what_is_configured_stays() -> None:
    """A configured name, spool, log and program are kept; what another Exim says does not apply."""
    given = Instance(
        "exim",
        "out",
        queue_directory="/other/",
        logs=("journal",),
        syslog_names=("x",),
        options=(("exim_path", "/opt/exim"), ("queues", "a b")),
    )
    host = Host({"/srv/exim/bulk/input/x": ""}, SAYS)
    (found,) = settle(given, host)
    assert (found.name, found.queue_directory, found.logs, found.syslog_names) == (
        "out",
        "/other",
        ("journal",),
        ("x",),
    )
    assert dict(found.options) == {"exim_path": "/opt/exim", "queues": "a b"}
    assert host.ran[0][0] == "/opt/exim"


def test_the_usual_log_is_left_to_the_search() -> None:
    """A log in its usual place stays "auto": if it may not be read, the journal may."""
    (found,) = settle(
        Instance("exim", ""),
        Host({}, "spool_directory = /var/spool/exim4\nlog_file_path = /var/log/exim4/%slog\n"),
    )
    assert found.logs == ("auto",)


def test_each_queue_is_listed_by_a_command_of_its_own() -> None:
    """The default queue without a name, the others by -qG, each with its proof."""
    instance = Instance("exim", "x", options=(("queues", "bulk slow"), ("exim_path", "/opt/exim")))
    (listing,) = EXIM.listings
    assert listing.parts is not None
    parts = listing.parts(instance)
    assert [part.argv for part in parts] == [
        ("/opt/exim", "-bpr"),
        ("/opt/exim", "-qGbulk", "-bpr"),
        ("/opt/exim", "-qGslow", "-bpr"),
    ]
    assert [part.proof[-1] for part in parts] == ["-bpc"] * 3
    assert EXIM.queues_of is not None
    assert EXIM.queues_of(instance) == ("default", "bulk", "slow")
