"""A private configuration of Nagios 4 and of Icinga 2 around the shipped definitions."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.servers.needs import find

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "checks"
NAGIOS_MAIN = """\
log_file={d}/nagios.log
cfg_dir={d}/objects
object_cache_file={d}/objects.cache
precached_object_file={d}/objects.precache
resource_file={d}/resource.cfg
status_file={d}/status.dat
status_update_interval=1
nagios_user={user}
nagios_group={group}
check_external_commands=0
command_file={d}/nagios.cmd
lock_file={d}/nagios.lock
temp_file={d}/nagios.tmp
temp_path={d}/tmp
check_result_path={d}/results
state_retention_file={d}/retention.dat
retain_state_information=0
interval_length=1
check_for_updates=0
enable_notifications=0
execute_host_checks=0
execute_service_checks=1
service_inter_check_delay_method=n
max_service_check_spread=1
service_check_timeout=30
log_initial_states=0
query_socket={d}/nagios.qh
illegal_macro_output_chars=`~$&|'"<>
"""
NAGIOS_OBJECTS = """\
define timeperiod {{
    timeperiod_name  24x7
    alias            always
    sunday 00:00-24:00
    monday 00:00-24:00
    tuesday 00:00-24:00
    wednesday 00:00-24:00
    thursday 00:00-24:00
    friday 00:00-24:00
    saturday 00:00-24:00
}}
define command {{
    command_name  nothing
    command_line  /bin/true
}}
define contact {{
    contact_name                   root
    host_notification_period       24x7
    service_notification_period    24x7
    host_notification_options      n
    service_notification_options   n
    host_notification_commands     nothing
    service_notification_commands  nothing
}}
define service {{
    name                  generic-service
    check_period          24x7
    notification_period   24x7
    notification_interval 0
    contacts              root
    register              0
}}
define host {{
    host_name             mx1
    alias                 mx1
    address               127.0.0.1
    check_period          24x7
    notification_period   24x7
    check_command         nothing
    max_check_attempts    1
    contacts              root
    hostgroups            smtpq
    _SMTPQ_URL            {url}
}}
"""
ICINGA_MAIN = """\
include <itl>
include <plugins>
const PluginDir = "{plugins}"
const NodeName = "monitor"
object Endpoint NodeName {{ }}
object Zone NodeName {{ endpoints = [ NodeName ] }}
object CheckerComponent "checker" {{ }}
include "smtpq-commands.conf"
include "smtpq-services.conf"
object Host "mx1" {{
  check_command = "dummy"
  address = "127.0.0.1"
  vars.smtpq_url = "{url}"
{host}
}}
"""
#: What a host may say of its own limits.
ICINGA_HOST = """\
  vars.smtpq_queue["smtpq_warning"] = 50
  vars.smtpq_queue["smtpq_queues"] = [ "deferred", "hold" ]"""


def nagios(directory: Path, url: str, *, user: str = "root", group: str = "root") -> Path:
    """A whole configuration with the shipped commands and services; the path of nagios.cfg."""
    for name in ("objects", "tmp", "results"):
        (directory / name).mkdir(exist_ok=True)
    for name in ("smtpq-commands.cfg", "smtpq-services.cfg"):
        shutil.copy(PLUGINS / "nagios" / name, directory / "objects" / name)
    (directory / "objects" / "base.cfg").write_text(NAGIOS_OBJECTS.format(url=url))
    (directory / "resource.cfg").write_text(f"$USER1$={PLUGINS}\n")
    main = directory / "nagios.cfg"
    main.write_text(NAGIOS_MAIN.format(d=directory, user=user, group=group))
    return main


def icinga(directory: Path, url: str, host: str = ICINGA_HOST) -> list[str]:
    """A whole configuration with the shipped commands and services; the command line without its verb."""
    for name in ("smtpq-commands.conf", "smtpq-services.conf"):
        shutil.copy(PLUGINS / "icinga2" / name, directory / name)
    for name in ("data", "cache", "log", "run", "spool"):
        (directory / name).mkdir(exist_ok=True)
    (directory / "icinga2.conf").write_text(ICINGA_MAIN.format(plugins=PLUGINS, url=url, host=host))
    places = {"DataDir": "data", "CacheDir": "cache", "LogDir": "log", "InitRunDir": "run",
              "SpoolDir": "spool"}
    return [str(find("icinga2")), "daemon", "-c", str(directory / "icinga2.conf"),
            *(f"-D{name}={directory / place}" for name, place in places.items()),
            "-DRunAsUser=root", "-DRunAsGroup=root"]
