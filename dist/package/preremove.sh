#!/bin/sh
# Ahead of rdmacp being removed, and not of being replaced (dpkg says upgrade, rpm 1): the daemon ends.
set -e
case ${1:-} in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now rdmad.socket rdmad.service || true
	fi
	;;
esac
