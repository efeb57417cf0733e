//go:build linux

// Command sidebyside loads the same data into Tidemark and its peers, one after
// the other in one run, asks each the same queries, and prints one table.
//
//	go run ./bench/sidebyside -victoria-metrics PATH
//	go run ./bench/sidebyside -tidemark ./old,./new -peers none -shape devops
//
// For every system it does, in this order:
//
//   - load: a fresh folder; N workers with keep-alive connections send the
//     same bodies; the server's own CPU seconds (from /proc, so that the client
//     does not count) until the last acknowledgement and until its clean
//     end, which includes whatever it still had to write; its peak RSS;
//   - settle: merge or flush as the system offers it, wait until its folder
//     rests, and stop it;
//   - start: the time from exec to the first answered query, three times; then
//     count the bytes that the folder takes on disk;
//   - check: it must have stored as many samples as were sent, metric by
//     metric, and give the same values as the first system for every query;
//   - query: latencies of the suite's queries, one client; then queries per second with
//     eight connections;
//   - kill: a fresh folder again; SIGKILL right after an acknowledgement in
//     the middle of a load, and count what is there after the restart.
//
// With -grow it does so for several workloads and compares how the queries'
// CPU time grows with what they read.
//
// Bodies are generated once, into a file, and read from the page cache by the
// loaders. Differences between systems that are no error are named where they
// are: a query says which peers answer it otherwise by design, and why.
//
// It needs Linux, for /proc. It starts servers on free ports of 127.0.0.1 and
// ends those only that it started.
package main
