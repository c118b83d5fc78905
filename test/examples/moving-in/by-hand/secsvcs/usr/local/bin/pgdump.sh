#!/bin/sh
set -eu
podman exec postgres pg_dumpall -U postgres | zstd -q -o "$TO/all-$(date +%F).sql.zst"
find "$TO" -name 'all-*.sql.zst' -mtime "+$KEEP" -delete
