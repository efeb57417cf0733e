// Command tidemark is the database as one program: a server, a client that
// asks it or a folder questions, and an importer of files.
//
// Each subcommand lives in a file of its own and does three things: it reads
// flags, wires the packages that do the work, and says what came of it. Only
// this command reads flags and the environment, writes to a terminal, handles
// signals and ends the process.
//
// Exit codes: 0 everything done; 1 an error, told in one line on standard
// error (more only where a query's place or refused lines are shown); 2 the
// command line itself makes no sense.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	_ "time/tzdata" // baselines know time zones also where the system has none

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// commandLine is the tree of subcommands.
type commandLine struct {
	Serve   serveCommand   `cmd:"" help:"Run the server on a folder."`
	Query   queryCommand   `cmd:"" help:"Ask a server, or a folder, a question."`
	Import  importCommand  `cmd:"" help:"Write files of line protocol or CSV to a server or a folder."`
	Dump    dumpCommand    `cmd:"" help:"Print what a folder holds, as annotated text."`
	Backup  backupCommand  `cmd:"" help:"Copy a store or a snapshot, with checksums."`
	Restore restoreCommand `cmd:"" help:"Make a store of a backup, checking every byte."`
	Verify  verifyCommand  `cmd:"" help:"Read every byte of a store or a backup and name what is damaged."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// console is where a command talks; tests replace it.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// usageError marks an error of the command line.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

func main() {
	os.Exit(run(os.Args[1:], &console{os.Stdin, os.Stdout, os.Stderr}))
}

// run parses the arguments, runs the subcommand and returns the exit code.
func run(args []string, c *console) int {
	var cl commandLine
	parser, err := kong.New(&cl,
		kong.Name("tidemark"),
		kong.Description("Metrics and logs in one store, with one language. Start with: tidemark serve --demo"),
		kong.WithHyphenPrefixedParameters(true), // --start -6h
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Writers(c.out, c.err),
		kong.Bind(c),
		kong.Vars{"defaultServer": defaultServer},
	)
	if err != nil {
		fmt.Fprintf(c.err, "tidemark: %v\n", err)
		return exitError
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(c.err, "tidemark: %v (--help shows what there is)\n", err)
		return exitUsage
	}
	return exitCode(k.Run(), c)
}

// exitCode tells an error and chooses the code.
func exitCode(err error, c *console) int {
	var bad *usageError
	var told *toldError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &told):
		return exitError
	case errors.As(err, &bad):
		fmt.Fprintf(c.err, "tidemark: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(c.err, "tidemark: %v\n", err)
	return exitError
}

// toldError marks an error that was already explained on standard error.
type toldError struct{ error }
