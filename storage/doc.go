// Package storage is the embedded database of metrics and logs: one handle,
// DB, that appends batches and gives views to queries. It refuses to know of
// query languages, wire protocols, flags, logging or HTTP.
package storage
