//go:build !race

package lineprotocol

const raceEnabled = false
