package console

import "github.com/rdmacp/rdmacp/internal/fault"

// remedy is what can be said of a fault from its code alone, for faults that
// were made without a reason or without a remedy.
func remedy(c fault.Code) (why, fix string) {
	table := [...]struct{ why, fix string }{
		fault.OK:             {"nothing failed", "none is needed"},
		fault.Internal:       {"an error that this program does not know", "this is a bug: please report it, with what -vv says"},
		fault.Usage:          {"the command line is wrong", "see --help"},
		fault.Version:        {"the two ends do not speak the same protocol", "install the same release on both hosts"},
		fault.NotFound:       {"no such file or directory", "check the name; case matters"},
		fault.Permission:     {"permission denied", "give the user that runs the program on that host access to the file"},
		fault.NotRegular:     {"not a regular file", "name a regular file, or copy directories with --recursive"},
		fault.NoSpace:        {"no space left on device", "free some space there, or choose another destination"},
		fault.IO:             {"reading or writing failed", "see what the kernel of that host says: dmesg"},
		fault.NotExport:      {"the daemon does not export that path", "export it on its host: rdmad --export NAME=DIR"},
		fault.ReadOnly:       {"the export is read-only", "choose another export, or export it without :ro"},
		fault.Busy:           {"another copy is writing the same destination", "wait for it, or choose another name"},
		fault.SourceChanged:  {"the file changed while it was read", "copy it again once nothing writes to it"},
		fault.Vanished:       {"the file was removed before it was read", "nothing, if it was meant to go; else copy again"},
		fault.Integrity:      {"the digests do not match", "copy again; if it happens again, test the memory of both hosts"},
		fault.NoDevice:       {"no usable RDMA device", "see rdmacp devices; Soft-RoCE makes one of any network card: modprobe rdma_rxe; rdma link add rxe0 type rxe netdev eth0"},
		fault.Path:           {"the RDMA devices of the two hosts do not reach each other", "compare rdmacp devices on both hosts; RoCE needs UDP port 4791 open"},
		fault.Memlock:        {"memory could not be pinned", "raise the limit: ulimit -l unlimited, or LimitMEMLOCK=infinity in the unit"},
		fault.Unreachable:    {"the daemon cannot be reached", "start rdmad there, or name its port with --port"},
		fault.ConnectTimeout: {"the daemon did not answer in time", "check the host's name and its firewall, or raise --connect-timeout"},
		fault.Lost:           {"the connection broke", "run the same command again; the destination shows no partial file"},
		fault.Timeout:        {"no progress for too long", "check the network between the hosts, then run the same command again"},
		fault.Interrupted:    {"interrupted", "run the same command again"},
		fault.Limit:          {"a limit of the daemon's was reached", "try again later, or raise the limit in rdmad's configuration"},
		fault.Partial:        {"some files were not copied", "see what was said of them, then run the same command again: what is there already is not copied again"},
		fault.Copied:         {"a CPU would have to copy what is sent", "see docs/zerocopy.md for what it takes, or leave out --require-zero-copy"},
		fault.Unproven:       {"an end has not proved who it is", "give both ends certificates of one CA: rdmad pki --help"},
		fault.Denied:         {"the export is not for this client", "see read and write of the export in rdmad's configuration"},
		fault.Protocol:       {"the peer broke the protocol", "check that it is rdmad that listens there, and of the same release"},
	}
	if !c.Known() {
		c = fault.Internal
	}
	return table[c].why, table[c].fix
}
