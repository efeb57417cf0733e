package server

// Engine answers queries; *query.Engine satisfies it.
type Engine interface{}
