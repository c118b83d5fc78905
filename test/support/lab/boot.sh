#!/bin/sh
# boot.sh ROOT INSTANCE NETNS NAME: a guest with systemd as PID 1, in namespaces of its own, over an overlay of ROOT.
# INSTANCE keeps what the guest writes. Ends with the guest. To be run in a cgroup of its own.
set -eu
ROOT=$1 INSTANCE=$2 NETNS=$3 NAME=$4
mkdir -p "$INSTANCE/upper" "$INSTANCE/work" "$INSTANCE/merged" "$INSTANCE/containers"
export ROOT INSTANCE NAME
# The network namespace last: ip netns exec would hide the cgroups.
exec nsenter --net="/run/netns/$NETNS" unshare --pid --fork --kill-child=SIGKILL --mount --uts --ipc --cgroup \
  --propagation private sh -euc '
hostname "$NAME"
cd "$INSTANCE/merged"
mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=$INSTANCE/upper,workdir=$INSTANCE/work" .
cd .
cd "$INSTANCE/merged"
echo "$NAME" > etc/hostname
[ -s "$INSTANCE/machine-id" ] || tr -d - < /proc/sys/kernel/random/uuid > "$INSTANCE/machine-id"
cp "$INSTANCE/machine-id" etc/machine-id
# Nothing has to be brought up to date at the first boot.
touch -r usr etc/.updated var/.updated
# Overlay on overlay fails: containers are kept on the disk itself.
mkdir -p var/lib/containers
mount --bind "$INSTANCE/containers" var/lib/containers
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755,size=1m tmpfs dev
for device in null zero full random urandom tty fuse net/tun; do
  [ -e "/dev/$device" ] || continue
  mkdir -p "dev/$(dirname "$device")"
  cp -a "/dev/$device" "dev/$device"
done
mkdir -p dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -p .old
pivot_root . .old
umount -l /.old
# systemd hands credentials to services by mounts that spread; in a container it leaves this to its maker.
mount --make-rshared /
exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init'
