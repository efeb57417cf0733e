//go:build race

package lineprotocol

// raceEnabled: the race detector makes sync.Pool drop things at random.
const raceEnabled = true
