#!/bin/sh
# A stand-in for pct(1) of Proxmox VE 9, of which it knows `pct exec VMID --keep-env 0 -- PROGRAM WORD…` alone, with one
# container, 110. As lxc-attach would, it runs the program in namespaces of its own and without its caller's environment;
# the files are those of this machine, or of the process that WRIT_CONTAINER_INIT names.
if [ "$1" != exec ] || [ "$3 $4 $5" != '--keep-env 0 --' ]; then
  echo '400 Parameter verification failed.' >&2
  exit 255
fi
if [ "$2" != 110 ]; then
  echo "Configuration file 'nodes/pve2/lxc/$2.conf' does not exist" >&2
  exit 2
fi
shift 5
set -- env -i container=lxc PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
if [ -n "$WRIT_CONTAINER_INIT" ]; then
  exec nsenter -t "$WRIT_CONTAINER_INIT" -m -u -i -n -p -C -r -w "$@"
fi
exec unshare --mount --uts --ipc --pid --fork --kill-child --mount-proc "$@"
