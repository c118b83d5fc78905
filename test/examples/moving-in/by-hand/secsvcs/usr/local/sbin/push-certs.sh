#!/bin/sh
# certificates for the switch and the printer
set -e
scp -q /etc/opt/traefik/certs/lan.crt admin@192.168.40.2:/tmp/
