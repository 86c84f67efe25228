package console

import "runtime/debug"

// Version returns the release that was built, or "devel" for a build that is
// none.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
