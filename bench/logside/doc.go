// Command logside puts the same log rows into Tidemark and VictoriaLogs, one
// after the other in one run, and prints what each took: lines per second of the
// server's CPU time, peak memory, disk once settled, and for each query the
// median time and CPU time of an answer, with the answers compared.
//
//	go build -o /path/tidemark ./cmd/tidemark
//	go run ./bench/logside --tidemark /path/tidemark --victoria-logs /path/victoria-logs --dir /path/with/space
//
// The rows are those of bench/gen's Logs, as JSON lines in bodies of 5,000, sent
// by two clients. Tidemark answers a write when it is on disk, VictoriaLogs when
// it is in memory. "Settled" is after a clean stop, a new start, a merge of
// everything, which either does by itself in time, and another stop and start. A word is searched as a word in VictoriaLogs and
// as a substring in Tidemark; the corpus is such that both find the same rows,
// and the comparison says so.
//
// Counts, averages and quantiles are held against those that the generator itself
// has, so that it is known who is right: counts to the row, minute by minute. All
// questions are about the rows of one day in whole milliseconds; the generator's
// last rows may lie beyond it, and VictoriaLogs takes an end without a fraction
// for the whole of its second. (Its quantiles of many values are of a sample, and
// differ.) Absolute times mean nothing beyond the machine and
// the hour: quote ratios.
package main
