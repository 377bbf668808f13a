#!/bin/sh
# Install what the real-server tests need, on Debian, as root. Idempotent; starts no service.
# Servers that conflict with Postfix as packages (Exim, Sendmail, OpenSMTPD) are only downloaded
# and unpacked by tests/servers; nothing here changes the mail server of a host that has one.
set -eu
PACKAGES="postfix prometheus nagios4-core icinga2-bin monitoring-plugins-basic monitoring-plugins-standard
nagios-nrpe-server nagios-nrpe-plugin prometheus-postfix-exporter mtail pflogsumm chromium rsyslog
openssh-server zabbix-server-pgsql zabbix-agent zabbix-frontend-php postgresql php-cli php-pgsql php-curl m4
libidn12 libwrap0 libevent-2.1-7 libsigsegv2 util-linux procps strace
systemd-journal-remote"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "tests/servers/install.sh: not root on Debian, nothing installed; real-server tests will say what they miss"
    exit 0
fi
missing=""
for p in $PACKAGES; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
# No service may start by being installed: the tests start their own private instances.
policy=/usr/sbin/policy-rc.d
made=""
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"; chmod 755 "$policy"; made=yes
fi
trap '[ -z "$made" ] || rm -f "$policy"' EXIT
echo "postfix postfix/main_mailer_type select Local only" | debconf-set-selections
echo "postfix postfix/mailname string localhost.localdomain" | debconf-set-selections
export DEBIAN_FRONTEND=noninteractive
echo "tests/servers/install.sh: installing$missing"
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing
