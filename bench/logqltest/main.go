// Command logqltest runs LogQL test scripts against Tidemark: every file
// *.logqltest of the folders given. Such scripts load log rows, ask metric
// queries, and state the answer by hand; the language of the scripts is that
// of Loki's suite pkg/logql/internal/logqltest/testdata, whose README describes
// it. The scripts are read where they are:
//
//	go run ./bench/logqltest ~/loki/pkg/logql/internal/logqltest/testdata
//
// It prints every evaluation that fails, and passed of total for each file and
// for all. The exit code is 1 where one failed and 2 where a script could not
// be read.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

func main() { os.Exit(runAll(os.Args[1:], os.Stdout)) }

func runAll(folders []string, out io.Writer) int {
	var files []string
	for _, f := range folders {
		found, err := filepath.Glob(filepath.Join(f, "*.logqltest"))
		if err == nil {
			files = append(files, found...)
		}
	}
	if len(files) == 0 {
		fmt.Fprintln(out, "usage: logqltest FOLDER…: want folders with files *.logqltest")
		return 2
	}
	slices.Sort(files)
	code, passed, total := 0, 0, 0
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			fmt.Fprintln(out, err)
			return 2
		}
		results, err := run(string(text))
		good := 0
		for _, r := range results {
			if r.err == nil {
				good++
				continue
			}
			code = max(code, 1)
			fmt.Fprintf(out, "%s:%d: %s\n\t%v\n", filepath.Base(f), r.line, r.query, r.err)
		}
		if err != nil {
			fmt.Fprintf(out, "%s: %v\n", f, err)
			code = 2
		}
		fmt.Fprintf(out, "%s: %d of %d\n", filepath.Base(f), good, len(results))
		passed += good
		total += len(results)
	}
	fmt.Fprintf(out, "passed %d of %d\n", passed, total)
	return code
}
