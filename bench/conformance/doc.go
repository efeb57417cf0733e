// Package conformance runs Prometheus's own script suite, promqltest of the
// module version that go.mod pins, against Tidemark's engine on Tidemark's
// store. It is a module of its own so that a program that embeds Tidemark
// inherits none of Prometheus's dependencies.
//
// Engine and Store are adapters and nothing more: Engine hands the query's text
// to query.Engine and turns the answer into Prometheus's result types, Store
// turns an appender into batches of storage.DB. Neither an engine nor a store
// of Prometheus's stands behind them, which TestNothingOfPrometheusBehind
// checks on the source of this package.
//
//	go test -C bench/conformance ./...
//
// runs all of it, once on data in the head and once on data flushed to chunks.
package conformance
