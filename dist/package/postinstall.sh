#!/bin/sh
# After rdmacp was installed, or another version of it: the user that rdmad runs as, the folder of
# its certificates, and the unit anew. A daemon that runs
# is restarted, for which it drains.
set -e
if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers rdmad.conf
fi
if command -v systemd-tmpfiles >/dev/null; then
	systemd-tmpfiles --create rdmad.conf
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart rdmad.service
fi
