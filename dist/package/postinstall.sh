#!/bin/sh
# After rdmacp was installed, or another version of it: the user that rdmad runs as, and the unit anew. A daemon that runs
# is restarted, for which it drains.
set -e
if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers rdmad.conf
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart rdmad.service
fi
