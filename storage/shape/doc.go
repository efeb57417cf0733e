// Package shape splits log lines into constant text and typed variables, and
// merges what is left into patterns.
//
// The shape of a line is its text with each variable replaced by a placeholder
// that names the variable's kind. It is a pure function of that one line: the
// same line has the same shape, and the same id, in any batch, after any restart
// and on any machine. Parse finds it, Append gives back the exact bytes. A store
// keeps the template once and the variables as typed columns.
//
// A pattern is what a reader calls "the same kind of line": shapes that differ
// only in a word that varies (a user's name, a device) are one pattern. Merge
// builds patterns from the shapes of any range of lines with their counts. It
// looks at the multiset of shapes alone, not at its order or its batches.
//
// The package does no I/O, knows nothing of stores and queries, and keeps no
// state between calls. It refuses to learn: no dictionary, no model and no
// setting changes the shape of a line.
//
// # Templates
//
//	+----------------+------+------+----------------+
//	| constant bytes | 0x00 | kind | constant bytes | ...
//	+----------------+------+------+----------------+
//	       any          1      1          any
//
// A byte 0x00 of the line itself is written 0x00 '0'. Kind is one of the letters
// declared in kind.go. A reader recognises damage by an unknown kind or a 0x00 at
// the end. For example
//
//	Accepted from 10.0.0.1:22 in 0.5s
//	Accepted from \0a:\0i in \0ds        variables "10.0.0.1", "22", "0.5"
//
// Shape ids are hashes of these bytes. A change of what Parse recognises
// therefore changes ids of lines parsed afterwards; templates already stored keep
// theirs and stay readable.
//
// # What is a variable
//
// Tokens are runs of bytes between white space, brackets, quotes and , ; : = | ! ?
// and the dots that end a sentence. A token is a variable if it is a number, an
// address, a time, a path, a URL, a domain name or a truth value, or if it
// carries digits; "core.17" and "node-17" keep their names outside the variable.
// Names with a letter first and one digit in all (eth0, L2) stay constant text:
// they are few, and a reader takes them for words. Words without digits are
// always constant: a user's name of letters only makes a shape of its own, which
// Merge puts together again where it can tell.
package shape
