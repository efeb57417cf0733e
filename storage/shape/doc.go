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
//
// # How patterns are found
//
// Merge works in passes over rows, one for each distinct pattern so far. All
// decisions of a pass are taken on the state before it, from sums and numbers of
// different words: that is why order and batches do not matter.
//
//  1. A template loses its kinds and its layout (canon.go): white space collapses,
//     a value swallows its word, a list of ids is one value. What a value swallows
//     follows the template rules of Khan et al. (ICSE 2022).
//  2. Rows that are equal but for one word form a family (merge.go). Its place
//     becomes a placeholder if it holds enough different words, fewer if they are
//     names with digits, follow key= or a word like "user"; or if most of the
//     family's lines have a placeholder there. Repeated until nothing changes.
//     Counting different words per place between equal neighbours is the idea of
//     the fixed-depth trees of Drain (He et al., ICWS 2017) and of Brain's frequent
//     word combinations (Yu et al., TSC 2023), here without a tree that depends on
//     the order of arrival.
//  3. Once, places that vary together are opened (together.go), after
//     partitioning as IPLoM does (Makanju et al., KDD 2009).
//  4. Step 2 again with lists of any length seen as one, and again without times'
//     units and without parentheses that hold one value.
//
// Time and memory are linear in the bytes of the templates, times the bounded
// number of passes. Thresholds are constants of merge.go, one set for every log;
// on the eight systems that bench/accuracy measures, half or twice a threshold
// moves no mean score by more than 0.04.
//
// Where it fails:
//   - a value of several words whose number changes ("name: Anna Maria Kim") keeps
//     its patterns apart: rows of different length never meet;
//   - fewer than six different words are constants (states, verbs), and six or
//     more are values, whatever they mean: an enumeration of ten states that stands
//     alone in otherwise equal lines becomes one pattern;
//   - a word that is always the same is constant even where it is a name, and an id
//     of letters only is a word;
//   - a pattern depends on the range it is asked for: with one user in the range
//     the user's name is part of the template, and so of the id;
//   - the template of a united pattern leaves out the optional parenthesis or unit
//     that not all its lines have.
package shape
