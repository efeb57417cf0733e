// Package bench measures the whole of Tidemark from outside: line protocol
// through the real HTTP server into a store on disk, and queries back. Codecs,
// parser and operators have benchmarks of their own beside their code.
//
// README.md in this folder says how to compare two versions.
package bench
