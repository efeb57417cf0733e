package storage

import (
	"runtime"

	"tidemark/storage/shape"
)

// parallelism is the number of goroutines that one call reads with.
func parallelism() int { return runtime.GOMAXPROCS(0) }

// templateOf returns the template of a line.
func templateOf(line string) []byte {
	var p shape.Parsed
	shape.Parse([]byte(line), &p)
	return p.Template
}
