package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is the release; a build may set another with
// -ldflags "-X main.version=…".
var version = "0.1.0-dev"

type versionCommand struct{}

func (versionCommand) Run(c *console) error {
	fmt.Fprintf(c.out, "tidemark %s", version)
	if rev := revision(); rev != "" {
		fmt.Fprintf(c.out, " (%s)", rev)
	}
	fmt.Fprintf(c.out, " %s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// revision is the commit that the program was built from, as far as the
// toolchain noted it, with a + where the folder had changes.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	rev, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+"
		}
	}
	return rev + dirty
}
