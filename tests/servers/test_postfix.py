"""The private Postfix does what other tests rely on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.servers import needs
from tests.servers.inject import Mail
from tests.servers.postfix import PostfixServer, logged
from tests.servers.replies import Reply
from tests.servers.sink import Sink
from tests.wait import wait_for

pytestmark = pytest.mark.server("postfix")
ROOT = Path(__file__).parents[2]


def waiting(server: PostfixServer) -> int:
    """Recipients that the listing shows."""
    return sum(len(entry["recipients"]) for entry in server.listing())


def test_the_book_of_the_sink_agrees_with_the_queue_and_the_log(postfix: PostfixServer) -> None:
    """Every recipient handed over is in the queue, accepted by the sink or bounced; the log agrees."""
    mails = postfix.inject(150, "mixed")
    postfix.wait_idle()
    sent = postfix.sink.total("accepted")
    bounced = len(logged(postfix, ["status=bounced"]))
    assert sum(len(m.recipients) for m in mails) == waiting(postfix) + sent + bounced
    assert sent == len(logged(postfix, ["/smtp[", "status=sent"])) > 0
    assert bounced >= postfix.sink.total("refused") > 0
    assert len(postfix.files("deferred")) == len(postfix.listing())


def test_a_queue_defers_then_drains(postfix: PostfixServer) -> None:
    """What the sink deferred stays until the sink accepts; then the queue is empty and all arrived."""
    mails = postfix.inject(30, "stay")
    postfix.wait_idle()
    assert len(postfix.listing()) == 30
    assert postfix.sink.total("accepted") == 0
    postfix.drain()
    assert postfix.listing() == []
    assert postfix.sink.total("accepted") == sum(len(m.recipients) for m in mails)


def test_replies_can_be_changed_while_it_runs(postfix: PostfixServer) -> None:
    """A domain answers with what it was told last, at the stage it was told."""
    postfix.sink.answer("ok1", Reply("greet", "421 4.3.2 closed for the night"))
    postfix.send(Mail("a@sender.example", ("b@ok1.example",), b"Subject: x\r\n\r\nx\r\n"))
    postfix.wait_idle()
    [entry] = postfix.listing()
    assert "closed for the night" in entry["recipients"][0]["delay_reason"]
    postfix.sink.answer("ok1")
    postfix.drain()
    assert postfix.sink.book["ok1"].accepted == 1


def test_held_released_expired_requeued_and_deleted(postfix: PostfixServer) -> None:
    """The verbs of postsuper reach the queue."""
    postfix.inject(6, "greylist")
    postfix.wait_idle()
    ids = [entry["queue_id"] for entry in postfix.listing()]
    postfix.postsuper("-h", *ids[:3])
    assert postfix.count("hold") == 3
    postfix.postsuper("-H", ids[0])
    assert postfix.count("hold") == 2
    postfix.postsuper("-e", ids[1])
    assert [e["queue_id"] for e in postfix.listing() if e.get("forced_expire")] == [ids[1]]
    postfix.postsuper("-r", ids[5])
    postfix.postsuper("-d", ids[4])
    assert ids[4] not in [entry["queue_id"] for entry in postfix.listing()]


def test_sendmail_command_takes_recipients_from_the_header(postfix: PostfixServer) -> None:
    """`sendmail -t` mail goes through maildrop and arrives."""
    postfix.sendmail("To: a@ok1.example, b@ok2.example\nSubject: x\n\nx\n")
    wait_for(lambda: postfix.sink.total("accepted") == 2, 30)


def test_several_instances_beside_each_other(make_postfix) -> None:
    """Two instances with names of their own do not see each other's mail."""
    one = make_postfix(name="postfix-in")
    two = make_postfix(name="postfix-out", settings={"enable_long_queue_ids": "no"})
    one.inject(3, "greylist")
    two.inject(2, "greylist")
    one.wait_idle()
    two.wait_idle()
    assert (len(one.listing()), len(two.listing())) == (3, 2)
    assert logged(two, ["postfix-out/smtp["])
    assert not logged(two, ["postfix-in"])


def test_stop_and_start_keep_the_queue(postfix: PostfixServer) -> None:
    """A stopped instance has no process and keeps its queue."""
    postfix.inject(4, "refused")
    postfix.wait_idle()
    postfix.stop()
    assert postfix.processes() == []
    assert postfix.count("deferred") == 4
    postfix.start()
    assert len(postfix.listing()) == 4


def test_nothing_is_left_after_an_error() -> None:
    """A failure inside leaves no process and no directory."""
    kept = []

    def fail() -> None:
        with Sink() as sink, PostfixServer(sink) as server:
            kept.append(server)
            assert server.processes()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    [server] = kept
    assert server.processes() == []
    assert not server.directory.exists()


def test_the_server_dies_with_the_test_run() -> None:
    """A test run that is killed takes its Postfix with it."""
    program = """
import sys
from tests.servers.postfix import PostfixServer
from tests.servers.sink import Sink
with Sink() as sink, PostfixServer(sink) as server:
    print(server.directory, server.processes()[0].pid, flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as run:
        directory, pid = run.stdout.readline().decode().split()
        run.kill()
    wait_for(lambda: not Path(directory).exists(), 30)  # the last that the guard does
    assert not psutil.pid_exists(int(pid)) or psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE


def test_what_is_missing_is_named_with_its_package(monkeypatch) -> None:
    """A program that is not there is reported with the Debian package that has it."""
    monkeypatch.setitem(needs.NEEDS, "nothing", needs.Need(("no-such-program",), "nothing-bin"))
    assert "nothing-bin" in needs.missing("nothing")
    assert needs.missing("postfix") == ""
