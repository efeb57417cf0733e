//go:build race

package server

// raceEnabled: the race detector makes sync.Pool drop things at random.
const raceEnabled = true
