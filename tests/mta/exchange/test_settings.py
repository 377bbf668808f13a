"""How an instance's options become command lines."""

from __future__ import annotations

import shlex

import pytest

from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.exchange import settings
from tests.mta.exchange.probe import Nothing


def instance(**options: str) -> Instance:
    """An instance with these options."""
    return Instance("exchange", "ex01", options=tuple(options.items()))


def test_a_found_hand_over_file_is_used() -> None:
    """The usual hand-over file is an option as if it were written; a written one stays."""
    found = settings.settle(Instance("exchange", ""), Nothing({settings.HANDOVER}))
    assert (found[0].name, dict(found[0].options)) == ("exchange", {"handover_file": settings.HANDOVER})
    found = settings.settle(instance(handover_file="/a.json"), Nothing({settings.HANDOVER}))
    assert dict(found[0].options) == {"handover_file": "/a.json"}
    assert settings.settle(instance(), Nothing())[0].options == ()
    assert settings.no_file(instance()) == "no option handover_file"
    assert settings.max_age(instance(handover_max_age="900")) == 900.0


def test_ssh_never_asks_and_never_trusts() -> None:
    """The command line of ssh is fixed but for the options; the remote command is one word for it."""
    options = {"ssh_host": "mon@ex01.example", "ssh_port": "2222", "ssh_key": "/k", "ssh_known_hosts": "/h"}
    argv = settings.ssh(instance(**options))
    assert argv[0] == "ssh"
    for word in ("BatchMode=yes", "StrictHostKeyChecking=yes", "UserKnownHostsFile=/h"):
        assert word in argv
    assert argv[argv.index("-l") + 1] == "mon"
    assert argv[argv.index("--") + 1] == "ex01.example"
    assert shlex.split(argv[-1])[-1] == settings.SCRIPT
    assert argv[-1].startswith("powershell.exe -NoProfile -NonInteractive")


@pytest.mark.parametrize("host", ["-oProxyCommand=x", "a b", "a;b", "x@-y", "$(id)", "a@b@c", ""])
def test_a_host_is_a_host(host: str) -> None:
    """What ssh could take for an option, or a shell for a command, is refused."""
    assert settings.no_ssh(instance(ssh_host=host))
    assert settings.no_psrp(instance(psrp_host=host))


@pytest.mark.parametrize("path", ['C:\\a".ps1', "C:\\a&b", "$(id)", "a|b", "a`b", "a;b", "a\nb", "%PATH%"])
def test_a_path_is_a_path(path: str) -> None:
    """A path that a shell on the other side would understand is refused."""
    assert settings.no_local(instance(script_path=path))
    assert settings.no_ssh(instance(ssh_host="ex01", powershell_path=path))
    assert not settings.no_ssh(instance(ssh_host="ex01", script_path="D:\\Program Files (x86)\\smtpq\\c.ps1"))


def test_no_secret_is_an_argument() -> None:
    """The arguments of the process for remoting name the file of the password, and no password."""
    argv = settings.psrp(instance(psrp_host="ex01", psrp_user="mon", psrp_password_file="/run/secret"))
    assert argv == ("host=ex01", "user=mon", "password_file=/run/secret")
