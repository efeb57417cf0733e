package model

import "context"

// CardinalityView is a View that can say what its series are made of.
type CardinalityView interface {
	View
	// Cardinality counts the series of metrics of the newest day and of what is in
	// memory, from the index alone. Each list has the limit's largest entries.
	Cardinality(ctx context.Context, limit int) (*Cardinality, error)
}

// Cardinality is what series are made of. What is in memory and on disk
// cannot be told apart without looking at each series; where both have
// something of a name, the greater count stands.
type Cardinality struct {
	Series     int64 // of all names
	LabelPairs int64 // distinct labels with a value
	Mint, Maxt int64 // of what was counted, nanoseconds
	// SeriesByName counts the series of each metric name.
	SeriesByName []Count
	// ValuesByLabel counts the distinct values of each label, BytesByLabel
	// the bytes of these.
	ValuesByLabel, BytesByLabel []Count
	// SeriesByPair counts the series of each label=value, of those that most
	// label sets have.
	SeriesByPair []Count
}

// Count is a number of something with a name.
type Count struct {
	Name  string
	Value int64
}
