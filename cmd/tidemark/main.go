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
// command line itself makes no sense; 3 no server answered, or it wants another
// token; 4 the answer is not as --expect wants it; 130 interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	_ "time/tzdata" // baselines know time zones also where the system has none

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitUnexpected  = 4
	exitInterrupted = 130 // as a shell reports SIGINT
)

// commandLine is the tree of subcommands.
type commandLine struct {
	Serve      serveCommand      `cmd:"" help:"Run the server on a folder."`
	Query      queryCommand      `cmd:"" help:"Ask a server, or a folder, a question."`
	Logs       logsCommand       `cmd:"" help:"Read log rows, follow them, or count their patterns."`
	Labels     labelsCommand     `cmd:"" help:"List names of labels, or the values of one."`
	Series     seriesCommand     `cmd:"" help:"List series and log streams."`
	Top        topCommand        `cmd:"" help:"Show running queries, the hottest series and the largest metrics of a server."`
	Forecast   forecastCommand   `cmd:"" help:"Show where numbers go, and when they reach a limit."`
	Capacity   capacityCommand   `cmd:"" help:"List what fills up, the soonest first, with how sure that is."`
	Explain    explainCommand    `cmd:"" help:"Say what changed in a span of time, over metrics and logs."`
	Import     importCommand     `cmd:"" help:"Write files of line protocol, CSV, JSON lines or plain lines to a server or a folder."`
	Export     exportCommand     `cmd:"" help:"Write stored samples and log rows to a file of line protocol, CSV or JSON lines."`
	Dump       dumpCommand       `cmd:"" help:"Print what a folder holds, as annotated text."`
	Backup     backupCommand     `cmd:"" help:"Copy a store or a snapshot, with checksums."`
	Restore    restoreCommand    `cmd:"" help:"Make a store of a backup, checking every byte."`
	Verify     verifyCommand     `cmd:"" help:"Read every byte of a store or a backup and name what is damaged."`
	Bench      benchCommand      `cmd:"" help:"Measure how a server, or a folder, answers queries or takes writes."`
	Fmt        fmtCommand        `cmd:"" help:"Print a query in normal form."`
	Check      checkCommand      `cmd:"" help:"Say whether a query is right, and what kind of answer it has."`
	Functions  functionsCommand  `cmd:"" help:"Explain the functions of the language."`
	Completion completionCommand `cmd:"" help:"Print a shell's script that completes the command line."`
	Complete   completeCommand   `cmd:"" hidden:""`
	Man        manCommand        `cmd:"" help:"Print the manual page."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
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

// newParser returns the parser of the command line.
func newParser(cl *commandLine, c *console) (*kong.Kong, error) {
	return kong.New(cl,
		kong.Name("tidemark"),
		kong.Description("Metrics and logs in one store, with one language. Start with: tidemark serve --demo"),
		kong.WithHyphenPrefixedParameters(true), // --start -6h
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Writers(c.out, c.err),
		kong.Bind(c),
		kong.Vars{"defaultServer": defaultServer},
	)
}

// run parses the arguments, runs the subcommand and returns the exit code.
func run(args []string, c *console) int {
	parser, err := newParser(new(commandLine), c)
	if err != nil {
		fmt.Fprintf(c.err, "tidemark: %v\n", err)
		return exitError
	}
	if len(args) == 0 {
		args = []string{"--help"} // ends the process with what there is
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(c.err, "tidemark: %v (--help shows what there is)\n", err)
		return exitUsage
	}
	return exitCode(k.Run(parser), c)
}

// exitCode tells an error and chooses the code.
func exitCode(err error, c *console) int {
	var bad *usageError
	var told *toldError
	var away *unreachableError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errUnexpected):
		return exitUnexpected
	case errors.Is(err, context.Canceled): // by a signal, as nothing else cancels
		fmt.Fprintln(c.err, "tidemark: interrupted")
		return exitInterrupted
	case errors.As(err, &told):
		return exitError
	case errors.As(err, &bad):
		fmt.Fprintf(c.err, "tidemark: %v\n", err)
		return exitUsage
	case errors.As(err, &away):
		fmt.Fprintf(c.err, "tidemark: %v\n", err)
		return exitUnreachable
	}
	fmt.Fprintf(c.err, "tidemark: %v\n", err)
	return exitError
}

// toldError marks an error that was already explained on standard error.
type toldError struct{ error }

// unreachableError marks that no server answered, or none that lets us in.
type unreachableError struct{ error }

func (e *unreachableError) Unwrap() error { return e.error }

// errUnexpected says that the answer is not as --expect wants it; it was shown.
var errUnexpected = errors.New("the answer is not as expected")
