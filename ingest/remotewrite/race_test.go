//go:build race

package remotewrite

// raceEnabled: the race detector makes sync.Pool drop things at random.
const raceEnabled = true
