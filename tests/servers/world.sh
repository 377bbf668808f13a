#!/bin/sh
# A world for one mail server: its unpacked packages over the host's own root file system; nothing is installed.
#   unshare --mount --pid --fork --mount-proc --kill-child sh world.sh DIRECTORY SPOOL "USER ..." PACKAGE.deb ...
# DIRECTORY holds files/ (copied into the world), prepare (a script that runs inside), spool/ and log/ (seen from both
# sides). When all is ready a file `ready` appears. Everything vanishes with the namespaces.
set -eu
here=$1 spool=$2 users=$3
shift 3
world=$here/world root=$here/world/root
mount -t tmpfs -o mode=755 tmpfs "$world"     # layers on the overlaid file system itself give ELOOP
mkdir "$world/low" "$world/up" "$world/work" "$root"
for package in "$@"; do dpkg-deb -x "$package" "$world/low"; done
for d in bin sbin lib; do                     # a package that ships /lib must not hide the link /lib -> usr/lib
    if [ -d "$world/low/$d" ] && [ -L "/$d" ]; then
        mkdir -p "$world/low/usr/$d"
        cp -a "$world/low/$d/." "$world/low/usr/$d/"
        rm -rf "${world:?}/low/$d"
    fi
done
mount -t overlay overlay -o "lowerdir=$world/low:/,upperdir=$world/up,workdir=$world/work" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"  # a /dev of its own: /dev/log must not be the host's
for node in null zero full random urandom; do
    : > "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
for inside in "$spool" /var/log/mta; do mkdir -p "$root$inside"; done
mount --bind "$here/spool" "$root$spool"
mount --bind "$here/log" "$root/var/log/mta"
rm -f "$root/etc/resolv.conf" "$root/etc/hosts" # a link would lead to the host
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' > "$root/etc/resolv.conf"
sed -i 's/^hosts:.*/hosts: files/' "$root/etc/nsswitch.conf"
id=890
for user in $users; do
    if ! chroot "$root" getent passwd "$user" > /dev/null; then
        echo "$user:x:$id:$id::/nonexistent:/usr/sbin/nologin" >> "$root/etc/passwd"
        echo "$user:x:$id:" >> "$root/etc/group"
    fi
    id=$((id + 1))
done
cp -a "$here/files/." "$root/"
chroot "$root" sh -eu /prepare
if [ -f "$here/rsyslog.conf" ]; then
    rsyslogd -n -f "$here/rsyslog.conf" -i "$here/rsyslog.pid" &
    while [ ! -S "$root/dev/log" ]; do sleep 0.05; done
fi
: > "$here/ready"
while :; do sleep 1; done                     # the first process: takes in orphans
