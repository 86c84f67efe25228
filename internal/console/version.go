package console

import "runtime/debug"

// release is what a package was built as: go build -ldflags "-X ...console.release=1.2.3".
var release string

// Version returns the release that was built, or "devel" for a build that is
// none.
func Version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
